"""Installs libtorch, as PyTorch's own wheel holds it, into a folder; called by scripts/setup.

The folder, <root>/2.11.0, gets the lib/ and include/ of the wheel `torch` and, beside it, of the
NVIDIA wheels it is linked to: they find each other by relative paths. No Python of theirs is kept.

It comes in parts: `torch`; `toolkit`, the two CUDA libraries that even the CPU code is linked to, and CUDA's headers;
and, if asked for, `cuda`, all that a GPU needs. Each is downloaded and checked against the hashes
that its wheels list, moved into place file by file, and only then entered in the folder's
`.complete`, with the size and the hash of every file. So what is listed there and is found
unchanged is good, and anything else, after a kill or a full disk for example, is fetched again.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import csv
import email
import fcntl
import hashlib
import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

VERSION = "2.11.0"

# Any number does that the wheel is made for: the libraries are the same for every Python.
PYTHON_VERSION = "3.12"

# What even a CPU needs of a CUDA toolkit: the two libraries that libtorch_cpu.so is linked to, and headers that theirs
# include and that no wheel depends on.
TOOLKIT_EXTRAS = ["cudart", "cupti", "crt"]

KEPT = re.compile(
    r"(torch/lib|torch/include|torch\.libs|nvidia/[^/]+/(lib|include))/(?!.*\.py$)"
    r"|[^/]+\.dist-info/(METADATA$|licenses/)"
)

CHUNK_SIZE = 1 << 20

# {path relative to the site: [size in bytes, hash as a wheel's RECORD writes it]}
Files = dict


class SetupError(Exception):
    """What went wrong, in a line for the user."""


def say(message: str) -> None:
    print(f"setup: {message}", flush=True)


class Site:
    """The folder of one libtorch version, and the list of what it holds."""

    def __init__(self, root: Path) -> None:
        self.path = root / VERSION
        self.work = root / f"{VERSION}.work"
        self.manifest = self.path / ".complete"
        self.parts: dict[str, Files] = self._read_manifest()

    def _read_manifest(self) -> dict[str, Files]:
        try:
            parts = json.loads(self.manifest.read_bytes())
            return {
                str(part): {str(path): [int(size), str(digest)] for path, (size, digest) in files.items()}
                for part, files in parts.items()
            }
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, AttributeError):
            say(f"{self.manifest} is damaged: installing again")
            return {}

    def _write_manifest(self) -> None:
        temporary = self.work / "manifest"
        with temporary.open("w") as file:
            json.dump(self.parts, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.manifest)

    def is_intact(self, part: str, by_hash: bool) -> bool:
        """Whether every file of the part is as it was installed, by its size or by its hash."""
        if part not in self.parts:
            return False
        for name, (size, digest) in self.parts[part].items():
            path = self.path / name
            found = path.stat().st_size if path.is_file() else None
            if found != size:
                say(f"{path} is damaged: expected {size} bytes, found {'no file' if found is None else found}")
                return False
            if by_hash and hash_of(path) != digest:
                say(f"{path} is damaged: its hash is not the one its wheel lists")
                return False
        return True

    def install(self, part: str, requirements: list[str], with_dependencies: bool) -> None:
        """Downloads what is required and puts it in its place."""
        downloads = self.work / part
        download(requirements, downloads, with_dependencies)
        staging = self.work / "staging"
        shutil.rmtree(staging, ignore_errors=True)
        files: Files = {}
        for wheel in sorted(downloads.glob("*.whl")):
            files.update(unpack(wheel, staging))
        for name in files:
            target = self.path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            # A rename: a program that has the old file open keeps it.
            (staging / name).replace(target)
        self.parts[part] = files
        self._write_manifest()
        shutil.rmtree(downloads)

    def torch_requirements(self) -> list[str]:
        """What the installed torch wheel requires of NVIDIA's, each pinned to one version."""
        name = next(name for name in self.parts["torch"] if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes((self.path / name).read_bytes())
        requirements = [line.split(";")[0].strip() for line in metadata.get_all("Requires-Dist", [])]
        return [line for line in requirements if line.startswith(("nvidia-", "cuda-toolkit["))]


def download(requirements: list[str], folder: Path, with_dependencies: bool) -> None:
    """Has pip fetch wheels; those that an interrupted run has fetched come from pip's cache beside them."""
    machine = platform.machine()
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(28, 16, -1)] + [f"manylinux2014_{machine}"]
    command = [sys.executable, "-m", "pip", "download", *requirements, "--dest", str(folder)]
    command += ["--only-binary=:all:", "--python-version", PYTHON_VERSION]
    command += [f"--platform={name}" for name in platforms]
    command += ["--cache-dir", str(folder / "cache"), "--no-input", "--disable-pip-version-check"]
    if not with_dependencies:
        command.append("--no-deps")
    say(f"downloading {' '.join(requirements)}")
    if subprocess.run(command).returncode != 0:
        raise SetupError(f"pip could not download {' '.join(requirements)}; its message is above")


def unpack(wheel: Path, folder: Path) -> Files:
    """Unpacks what is kept of a wheel, each file checked against the wheel's RECORD."""
    say(f"unpacking {wheel.name}")
    try:
        with zipfile.ZipFile(wheel) as archive:
            record = next(name for name in archive.namelist() if name.endswith(".dist-info/RECORD"))
            rows = csv.reader(io.StringIO(archive.read(record).decode()))
            kept = {name: [int(size), digest] for name, digest, size in rows if KEPT.match(name)}
            for name, (size, digest) in kept.items():
                if ".." in name.split("/"):
                    raise ValueError(f"{name} would be written outside its folder")
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(name) as source, path.open("wb") as target:
                    shutil.copyfileobj(source, target, CHUNK_SIZE)
                if path.stat().st_size != size or hash_of(path) != digest:
                    raise ValueError(f"{name} is not what its RECORD lists")
            return kept
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, StopIteration, ValueError) as error:
        wheel.unlink()
        raise SetupError(f"{wheel.name} is damaged and was removed, run this again: {error}") from error


def hash_of(path: Path) -> str:
    """The SHA-256 of a file, written as in a wheel's RECORD (base64 for URLs, no padding)."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_SIZE):
            digest.update(chunk)
    return "sha256=" + base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")


@contextlib.contextmanager
def only_one_at_a_time(root: Path):
    """Waits while another clone's set-up is at work in the same folder."""
    with (root / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up to finish")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def toolkit_requirements(requirements: list[str]) -> list[str]:
    """Those of libtorch_cpu.so, which is linked to CUDA's runtime and profiler in a CUDA wheel, and the headers."""
    return [
        re.sub(r"\[.*\]", f"[{','.join(TOOLKIT_EXTRAS)}]", line)
        for line in requirements
        if line.startswith("cuda-toolkit[")
    ]


def cuda_requirements(requirements: list[str]) -> list[str]:
    """All of NVIDIA's libraries that libtorch_cuda.so needs."""
    if not requirements:
        raise SetupError(f"the wheel of torch {VERSION} that pip chose has no CUDA: --cuda cannot be had")
    return requirements


def install(root: Path, cuda: bool, verify: bool) -> None:
    """Brings the site to completeness; takes a moment where it is complete."""
    root.mkdir(parents=True, exist_ok=True)
    with only_one_at_a_time(root):
        site = Site(root)
        site.path.mkdir(exist_ok=True)
        site.work.mkdir(exist_ok=True)
        if not site.is_intact("torch", verify):
            site.install("torch", [f"torch=={VERSION}"], with_dependencies=False)
        requirements = site.torch_requirements()
        parts = {"toolkit": toolkit_requirements(requirements)}
        # Once installed, CUDA is kept in order whether or not it is asked for again.
        if cuda or "cuda" in site.parts:
            parts["cuda"] = cuda_requirements(requirements)
        for part, required in parts.items():
            if required and not site.is_intact(part, verify):
                site.install(part, required, with_dependencies=True)
        shutil.rmtree(site.work)
    say(f"libtorch {VERSION} is complete{' with CUDA' if 'cuda' in site.parts else ''}")


def is_copy_of(copy: Path, original: Path) -> bool:
    """Whether a file is another's hard link, or on another disk, where there is none, its copy made after it."""
    (one, other) = (copy.stat(), original.stat())
    if one.st_dev == other.st_dev:
        return one.st_ino == other.st_ino
    return one.st_mtime_ns == other.st_mtime_ns and copy.read_bytes() == original.read_bytes()


def place(site: Path, clone: Path) -> None:
    """Puts what is installed into a clone: by hard links, which take no room, or where there can be none, by copies.

    A link to the folder would do for whoever ran the set-up, but not for others: the cache lies in a home that may be
    closed to them.
    """
    marker = clone / ".complete"
    if clone.exists() and not clone.is_symlink():
        if not marker.is_file():
            raise SetupError(f"{clone} is in the way: expected no file there, or what an earlier set-up put there")
        # Another file there means that something was repaired or added since.
        if is_copy_of(marker, site / ".complete"):
            return
    new = clone.with_name(clone.name + ".partial")
    shutil.rmtree(new, ignore_errors=True)
    copied = 0
    for source in sorted(path for path in site.rglob("*") if path.is_file()):
        target = new / source.relative_to(site)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)
            copied += target.stat().st_size
    for path in [new, *new.rglob("*")]:
        readable = path.stat().st_mode | (0o555 if path.is_dir() else 0o444)
        if readable != path.stat().st_mode:
            path.chmod(readable)
    if clone.is_symlink():
        clone.unlink()
    else:
        shutil.rmtree(clone, ignore_errors=True)
    new.rename(clone)
    say(f"libtorch is in {clone}" + (f" ({copied >> 20} MB copied: it is on another disk)" if copied else ""))


def main() -> None:
    parser = argparse.ArgumentParser(description="Installs libtorch from PyTorch's wheel.")
    parser.add_argument("root", type=Path, help="the folder to install into, a subfolder a version")
    parser.add_argument("--cuda", action="store_true", help="install the CUDA libraries too")
    parser.add_argument("--verify", action="store_true", help="check hashes, not only sizes")
    parser.add_argument("--clone", type=Path, help="a folder to put what is installed into, by hard links")
    arguments = parser.parse_args()
    install(arguments.root, arguments.cuda, arguments.verify)
    if arguments.clone is not None:
        place(arguments.root / VERSION, arguments.clone)


if __name__ == "__main__":
    try:
        main()
    except (SetupError, OSError) as error:
        sys.exit(f"setup: {error}")
    except KeyboardInterrupt:
        sys.exit("setup: interrupted; run it again to go on")
