"""Holds the server to its own document, and sends it what is broken.

The first needs schemathesis, which `scripts/setup --server-tests` installs into a folder of its own; without it, the test is
skipped. RWSAN_SCHEMATHESIS names another `st`.
"""

import os
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from malformed_requests import run  # noqa: E402
from served import Served  # noqa: E402

HERE = Path(__file__).parent


def schemathesis():
    """The program; None where it is not there."""
    if named := os.environ.get("RWSAN_SCHEMATHESIS"):
        return Path(named)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(os.environ.get("RWSAN_CACHE") or Path(cache) / "rwsan") / "server-tests" / "bin" / "st"
    return path if path.exists() else None


class ServingTests(unittest.TestCase):
    @unittest.skipUnless(schemathesis(), "schemathesis is not there: scripts/setup --server-tests installs it")
    def test_answers_are_what_the_document_says(self):
        with Served() as served:
            command = [
                schemathesis(), "--config-file", HERE / "schemathesis.toml", "run", served.address + "/openapi.json",
                "--checks", "all", "--max-examples", "40", "--seed", "1", "--no-color",
            ]
            environment = {**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(HERE)}
            result = subprocess.run(
                command, capture_output=True, text=True, timeout=300, env=environment, cwd=served_folder(self)
            )
            self.assertEqual(result.returncode, 0, result.stdout[-8000:] + result.stderr[-2000:])
            self.assertIn("9 selected / 9 total", result.stdout)
            self.assertEqual(served.end(), 0)
            self.assertEqual(served.errors(), "")

    def test_malformed_requests_do_no_harm(self):
        run(int(os.environ.get("RWSAN_MALFORMED_REQUESTS", "400")), slow=4)


def served_folder(test):
    """An empty folder: what schemathesis leaves behind goes with it."""
    import tempfile

    folder = tempfile.TemporaryDirectory()
    test.addCleanup(folder.cleanup)
    return folder.name


if __name__ == "__main__":
    unittest.main()
