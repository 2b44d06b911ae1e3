"""The licences of what lies in a package: of our own sources, Swift's runtime and packages, libtorch, and Debian's libraries."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from program import BUILD, LIBTORCH, REPOSITORY, Library, PackagingError, run

NOTE = """The licences of what lies in this package beside RWSAN for Swift, whose own is in LICENSE.

swift/      Swift's runtime and Foundation, and the Swift packages that the program is made of; they are part of it.
{libtorch}system/     Libraries of {system}, a file for each package with what its authors ask for. Nothing is changed
            in them but their run path. Their sources are those of the versions in system/versions.txt, as the
            distribution publishes them (apt-get source PACKAGE=VERSION). Each library is a file of its own and can be
            replaced. libjbig.so.0 is our own and does nothing: the library of that name is under the GPL.
"""
LIBTORCH_NOTE = "libtorch/   PyTorch's libraries, and the two of NVIDIA's CUDA toolkit that they are linked to; unmodified.\n"


def place_licences(found: list[Library], folder: Path, with_libtorch: bool) -> None:
    """Writes the licences of our sources and of all that comes with them into a folder.

    `found` are the libraries of the system that are packed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(REPOSITORY / "LICENSE", folder / "LICENSE")
    note = NOTE.format(libtorch=LIBTORCH_NOTE if with_libtorch else "", system=_system_name())
    (folder / "README.txt").write_text(note)
    _place_swift(folder / "swift")
    if with_libtorch:
        _place_libtorch(folder / "libtorch")
    _place_system(found, folder / "system")


def _system_name() -> str:
    found = re.search(r'^PRETTY_NAME="?([^"\n]+)', Path("/etc/os-release").read_text(), re.M)
    return found[1] if found else "this system"


def _place_swift(folder: Path) -> None:
    folder.mkdir()
    compiler = shutil.which("swiftc")
    licence = Path(compiler).resolve().parents[1] / "share" / "swift" / "LICENSE.txt" if compiler else None
    if licence is None or not licence.is_file():
        raise PackagingError(f"expected the licence of Swift's runtime beside the compiler, found no {licence}")
    shutil.copyfile(licence, folder / "swift.txt")
    for package in sorted((BUILD / "checkouts").iterdir()):
        texts = sorted(path for path in package.iterdir() if re.match(r"(licen[cs]e|notice)", path.name, re.I))
        if not texts:
            raise PackagingError(f"expected a licence in {package}, found none")
        (folder / f"{package.name}.txt").write_bytes(b"\n\n".join(path.read_bytes() for path in texts))


def _place_libtorch(folder: Path) -> None:
    for licences in sorted(LIBTORCH.glob("*.dist-info/licenses")):
        shutil.copytree(licences, folder / licences.parent.name.removesuffix(".dist-info"), copy_function=shutil.copyfile)


def _place_system(found: list[Library], folder: Path) -> None:
    folder.mkdir()
    packages: dict[str, list[str]] = {}
    for library in found:
        packages.setdefault(_package(library), []).append(library.name)
    versions, common = [], set()
    for package, names in sorted(packages.items()):
        number = run("dpkg-query", "--show", "--showformat=${Version}", package)
        versions.append(f"{package} {number}: {' '.join(names)}\n")
        text = Path(f"/usr/share/doc/{package.split(':')[0]}/copyright").read_bytes()
        (folder / f"{package.split(':')[0]}.txt").write_bytes(text)
        common |= set(re.findall(rb"/usr/share/common-licenses/([A-Za-z0-9.-]*[A-Za-z0-9])", text))
    (folder / "versions.txt").write_text("".join(versions))
    # Debian's files name long licences by where they lie in Debian.
    for name in sorted(common):
        path = Path("/usr/share/common-licenses") / name.decode()
        if path.is_file():
            (folder / "common-licenses").mkdir(exist_ok=True)
            shutil.copyfile(path, folder / "common-licenses" / path.name)


def _package(library: Library) -> str:
    """The package of Debian's that a library is of. dpkg knows it by the path from before /lib became /usr/lib, or not."""
    path = str(library.path.resolve())
    other = path.removeprefix("/usr") if path.startswith("/usr/") else "/usr" + path
    for spelling in [path, other]:
        result = subprocess.run(["dpkg-query", "--search", spelling], capture_output=True, text=True)
        if result.returncode == 0:
            return result.stdout.split(": ")[0]
    raise PackagingError(f"expected {path} to be of a package of Debian's, whose licence can be packed; found none")
