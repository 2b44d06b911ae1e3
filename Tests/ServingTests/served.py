"""A server of this package for tests: the real program with a small model, on a port of its own."""

import base64
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
FIXTURES = REPOSITORY / "Tests" / "Fixtures"


def program():
    """`rwsan-server`, of the build that `RWSAN_BUILD` names, else of the one for tests, else of the release."""
    builds = [os.environ["RWSAN_BUILD"]] if "RWSAN_BUILD" in os.environ else ["debug", "release"]
    for build in builds:
        path = REPOSITORY / ".build" / build / "rwsan-server"
        if path.exists():
            return path
    sys.exit("expected rwsan-server to be built, found none in .build: make server")


class Served:
    """A server that runs as long as the block does."""

    def __init__(self, *arguments, threads="1", **variables):
        self.arguments = arguments or ("--model", str(FIXTURES / "hub" / "vilt"))
        self.environment = {**os.environ, "OMP_NUM_THREADS": threads, **variables}

    def __enter__(self):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [program(), *self.arguments, "--port", "0"], stdout=subprocess.PIPE, stderr=self.log, text=True,
            env=self.environment,
        )
        line = self.process.stdout.readline()
        found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)\n", line)
        if not found:
            self.process.wait()
            raise AssertionError(f"the server did not start: {line}{self.errors()}")
        self.port = int(found[1])
        self.address = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_):
        try:
            self.end()
        finally:
            self.process.stdout.close()
            self.log.close()

    def end(self, seconds=60):
        """Asks the server to end, and gives its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"the server did not end within {seconds} s") from None

    def errors(self):
        """What the server has written down."""
        self.log.seek(0)
        return self.log.read()

    def memory(self):
        """How much memory it has now, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def ask(self, method, path, body=None, **headers):
        """Sends a request on a connection of its own, and gives status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            if isinstance(body, dict):
                body, headers = json.dumps(body).encode(), {"Content-Type": "application/json", **headers}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def metric(self, name):
        """The value of a metric; None where it is not there."""
        for line in self.ask("GET", "/metrics")[1].decode().splitlines():
            if line.startswith(name + " "):
                return float(line[len(name) + 1 :])
        return None


def encoded(content):
    """Bytes as JSON has them."""
    return base64.b64encode(content).decode()
