#!/usr/bin/env python3
"""Sends a server requests of every broken kind, and holds that it neither ends, hangs nor grows.

    Tests/ServingTests/malformed_requests.py [--count 10000] [--seed 1]

Fuzzed bodies of JSON and forms, pictures of every format that are cut or changed, bombs, uploads that are cut off, heads
that are no HTTP, and clients that send a byte now and then. A sound request in between is answered as the first one was.
Prints a line of JSON: requests by what became of them, and memory before and after.
"""

import argparse
import json
import random
import socket
import struct
import threading
import time
import zlib
from collections import Counter
from pathlib import Path

from served import FIXTURES, Served, encoded

PICTURES = sorted((FIXTURES / "hub" / "pictures").glob("*.png"))


def picture_seeds():
    """A small picture of every format that is read, by Pillow where it is there; else PNG alone."""
    seeds = [path.read_bytes() for path in PICTURES]
    try:
        import io

        from PIL import Image
    except ImportError:
        return seeds
    picture = Image.open(PICTURES[0]).convert("RGB").resize((40, 30))
    for kind in ["JPEG", "WEBP", "TIFF", "GIF", "BMP", "PNG"]:
        file = io.BytesIO()
        picture.save(file, kind)
        seeds.append(file.getvalue())
    return seeds


def bomb(random):
    """A PNG of some hundred bytes that states, and may have, very many pixels."""

    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    side = random.choice([8000, 30000, 65535, 2**31 - 1])
    rows = zlib.compress(bytes(10**6), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def mutated(random, content):
    """The same bytes with some changed, cut out, doubled or put in."""
    content = bytearray(content)
    for _ in range(random.randint(1, 8)):
        place = random.randrange(len(content) + 1)
        choice = random.randrange(5)
        if choice == 0 and content:
            content[place % len(content)] = random.randrange(256)
        elif choice == 1:
            del content[place : place + random.randint(1, 64)]
        elif choice == 2:
            content[place:place] = content[max(0, place - random.randint(1, 64)) : place]
        elif choice == 3:
            content[place:place] = random.randbytes(random.randint(1, 16))
        else:
            del content[place:]
    return bytes(content)


def form(fields, boundary=b"b"):
    parts = [
        b"--" + boundary + b'\r\nContent-Disposition: form-data; name="' + name + b'"\r\n\r\n' + value + b"\r\n"
        for name, value in fields
    ]
    return b"".join(parts) + b"--" + boundary + b"--\r\n"


class Client:
    """Makes broken requests, and tells what became of each."""

    def __init__(self, served, seed, pictures):
        self.served, self.random, self.pictures = served, random.Random(seed), pictures
        self.outcomes = Counter()
        self.kinds = [
            self.fuzzed_json, self.fuzzed_form, self.broken_picture, self.broken_features, self.cut_upload,
            self.wrong_length, self.no_http, self.random_route,
        ]

    def run(self, count):
        for _ in range(count):
            kind = self.random.choice(self.kinds)
            status = kind()
            self.outcomes[f"{kind.__name__} {status}"] += 1

    def exchange(self, content, then_leave=False):
        """Sends bytes as they are, and gives the status; 0 where the connection was closed without one."""
        with socket.create_connection(("127.0.0.1", self.served.port), timeout=60) as connection:
            try:
                connection.sendall(content)
                if then_leave:
                    return 0
                connection.shutdown(socket.SHUT_WR) if self.random.random() < 0.1 else None
                head = b""
                while b"\r\n" not in head:
                    part = connection.recv(4096)
                    if not part:
                        return 0
                    head += part
                return int(head.split()[1])
            except (BrokenPipeError, ConnectionResetError):
                return 0

    def post(self, path, body, kind, **more):
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        return self.exchange(head.encode() + body, **more)

    def fields(self):
        return {"picture": encoded(self.random.choice(self.pictures)), "questions": ["what?"], "top": 2, "regions": False}

    def fuzzed_json(self):
        return self.post("/v1/answers", mutated(self.random, json.dumps(self.fields()).encode()), "application/json")

    def fuzzed_form(self):
        body = form([(b"picture", self.random.choice(self.pictures)), (b"questions", b"what?"), (b"top", b"2")])
        return self.post("/v1/answers", mutated(self.random, body), "multipart/form-data; boundary=b")

    def broken_picture(self):
        broken = bomb(self.random) if self.random.random() < 0.1 else mutated(self.random, self.random.choice(self.pictures))
        return self.post("/v1/features", form([(b"picture", broken)]), "multipart/form-data; boundary=b")

    def broken_features(self):
        body = form([(b"features", self.random.randbytes(self.random.randint(0, 500)))])
        return self.post("/v1/features", body, "multipart/form-data; boundary=b")

    def cut_upload(self):
        body = json.dumps(self.fields()).encode()
        head = (
            f"POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        content = head.encode() + body
        return self.exchange(content[: self.random.randrange(len(content))], then_leave=True)

    def wrong_length(self):
        length = self.random.choice(["-1", "x", "99999999999999999999", "0x10", "1 1", "1000000000"])
        return self.exchange(
            f"POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{{}}".encode()
        )

    def no_http(self):
        heads = [
            b"GET", b"\r\n\r\n", b"GET / HTTP/7.5\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", self.random.randbytes(200),
            b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 3000 + b"\r\n", b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
            b"POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
            b"POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        ]
        return self.exchange(self.random.choice(heads) + b"\r\n\r\n")

    def random_route(self):
        path = "/" + "".join(self.random.choice("v1/answers.%2e\\?#&\x7f") for _ in range(self.random.randint(0, 20)))
        method = self.random.choice(["GET", "POST", "PUT", "OPTIONS", "HEAD", "TRACE", "get", "G\x01"])
        return self.exchange(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode("latin-1"))


def send_slowly(served, seconds):
    """A byte now and then, until the server has enough of it. Gives how long that took."""
    start = time.monotonic()
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as connection:
        connection.sendall(b"POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
        connection.settimeout(0.2)
        while time.monotonic() - start < seconds:
            try:
                connection.sendall(b" ")
                if connection.recv(4096) == b"":
                    break
            except socket.timeout:
                continue
            except OSError:
                break
    return time.monotonic() - start


def run(count, seed=1, clients=4, slow=20):
    """Sends the requests, and gives what became of them.

    :raises AssertionError: where the server does other than refuse them.
    """
    pictures = picture_seeds()
    sound = {"picture": encoded(PICTURES[0].read_bytes()), "questions": ["what is it?"]}
    arguments = ["--model", str(FIXTURES / "hub" / "vilt"), "--send-time", "2", "--keep", "8"]
    with Served(*arguments) as served:
        status, expected = served.ask("POST", "/v1/answers", sound)
        assert status == 200, expected
        # Threads, caches and allocators have their memory after some of them.
        Client(served, seed, pictures).run(min(500, count))
        before = served.memory()
        all_clients = [Client(served, seed + 1 + number, pictures) for number in range(clients)]
        threads = [threading.Thread(target=one.run, args=[count // clients]) for one in all_clients]
        times = []
        threads += [
            threading.Thread(target=lambda: times.append(send_slowly(served, 30))) for _ in range(slow)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert served.process.poll() is None, f"the server has ended: {served.errors()}"
        status, found = served.ask("POST", "/v1/answers", sound)
        assert (status, found) == (200, expected), found
        outcomes = sum((one.outcomes for one in all_clients), Counter())
        failed = {name: number for name, number in outcomes.items() if name.endswith(" 500")}
        assert not failed, f"{failed}: {served.errors()}"
        assert max(times, default=0) < 15, f"a slow client was borne with for {max(times):.0f} s"
        deadline = time.monotonic() + 20
        while served.metric("rwsan_connections") != 1 and time.monotonic() < deadline:
            time.sleep(0.1)
        left = [served.metric(f"rwsan_{name}") for name in ["connections", "body_bytes", "waiting_questions", "waiting_pictures"]]
        assert left == [1, 0, 0, 0], left
        after = served.memory()
        assert after < before + 100, f"memory grew from {before:.0f} to {after:.0f} MiB"
        assert served.end() == 0, served.errors()
    return {
        "requests": sum(outcomes.values()) + slow, "outcomes": dict(sorted(outcomes.items())),
        "memory before, MiB": round(before), "memory after, MiB": round(after),
        "slowest slow client, s": round(max(times, default=0), 1),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(json.dumps(run(options.count, options.seed)))
