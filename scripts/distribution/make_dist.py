"""Packs a .tar.gz that runs without Swift and without Python: `make dist`.

    rwsan-VERSION/bin/rwsan           the program, and with --server rwsan-server beside it
    rwsan-VERSION/lib                 libraries of the system, but for glibc's
    rwsan-VERSION/lib/torch/lib       libtorch's for the CPU, in the layout of PyTorch's wheels, in which they find each other
    rwsan-VERSION/lib/nvidia/.../lib
    rwsan-VERSION/licenses
"""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
import tempfile
from pathlib import Path

from licences import place_licences
from program import (
    LIBTORCH, PACKAGES, REPOSITORY, build, is_of_libtorch, is_replaced, libraries, machine, main, place_libraries,
    place_program, say, source_time, version,
)

RUN_PATH = "$ORIGIN/../lib:$ORIGIN/../lib/torch/lib"


def fill(folder: Path, programs: list[str]) -> None:
    """Puts all that belongs into the package into a folder."""
    found = {}
    for name in programs:
        program = build(name) / name
        found.update({library.name: library for library in libraries(program)})
        place_program(program, folder / "bin" / name, RUN_PATH)
    system = [library for library in found.values() if not is_of_libtorch(library)]
    place_libraries(system, folder / "lib")
    for library in found.values():
        if is_of_libtorch(library):
            target = folder / "lib" / library.path.resolve().relative_to(LIBTORCH.resolve())
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(library.path, target)
    place_licences([library for library in system if not is_replaced(library)], folder / "licenses", with_libtorch=True)
    for name in ["LICENSE", "docs/installing.md"]:
        shutil.copyfile(REPOSITORY / name, folder / Path(name).name)


def pack(folder: Path, target: Path, time: int) -> None:
    """Packs a folder: the same bytes for the same files. The archive appears whole or not at all."""

    def entry(information: tarfile.TarInfo) -> tarfile.TarInfo:
        information.uid = information.gid = 0
        information.uname = information.gname = "root"
        information.mtime = time
        is_program = information.isdir() or information.name.split("/")[1:2] == ["bin"]
        information.mode = 0o755 if is_program else 0o644
        return information

    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    with partial.open("wb") as file:
        with gzip.GzipFile("", "wb", 6, file, mtime=time) as stream, tarfile.open(fileobj=stream, mode="w|") as archive:
            archive.add(folder, folder.name, filter=entry)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(target)


def make(programs: list[str]) -> None:
    number = version()
    target = PACKAGES / f"rwsan-{number}-linux-{machine()}.tar.gz"
    with tempfile.TemporaryDirectory(prefix="rwsan-dist-") as work:
        folder = Path(work) / f"rwsan-{number}"
        fill(folder, programs)
        unpacked = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        say(f"packing {unpacked / 1e6:.0f} MB")
        pack(folder, target, source_time())
    say(f"{target}: {target.stat().st_size / 1e6:.0f} MB, unpacked {unpacked / 1e6:.0f} MB")


if __name__ == "__main__":
    main("Packs a .tar.gz that runs without Swift and without Python.", make)
