"""Gives a program or a library another run path, in the place of the one that it has; called by scripts/install.

What SwiftPM links has the toolchain's folder and the clone's in its run path. Neither is for an installed program: they may
go away, or belong to somebody who could put another library there.
"""

from __future__ import annotations

import struct
from pathlib import Path

LOAD, DYNAMIC = 1, 2
END, STRING_TABLE, RUN_PATHS = 0, 5, {15, 29}  # DT_RPATH, DT_RUNPATH


class RunPathError(Exception):
    """What is in the way, in a line for the user."""


def change(path: Path, run_path: str) -> None:
    """Writes over the run path of a 64-bit little-endian ELF file.

    Raises RunPathError where the file is another, has none, or has a shorter one than is to be written.
    """
    content = bytearray(path.read_bytes())
    if content[:6] != b"\x7fELF\x02\x01":
        raise RunPathError(f"{path}: expected an ELF file of 64 bits, found another")
    try:
        places = {place: content.index(0, place) - place for place in run_path_places(content)}
    except (struct.error, StopIteration, ValueError) as error:
        raise RunPathError(f"{path}: expected an ELF file with a dynamic section, found one that is cut off") from error
    if not places:
        raise RunPathError(f"{path}: expected a run path, found none")
    new = run_path.encode()
    for place, length in places.items():
        if len(new) > length:
            raise RunPathError(f"{path}: expected a run path of {len(new)} bytes or more, found {length}")
        content[place : place + length] = new.ljust(length, b"\0")
    path.write_bytes(content)


def run_path_places(content: bytearray) -> list[int]:
    """Where in the file run paths begin."""
    (offset,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    headers = [struct.unpack_from("<IIQQQQQQ", content, offset + number * size) for number in range(count)]
    dynamic = next(header for header in headers if header[0] == DYNAMIC)
    entries = []
    for place in range(dynamic[2], dynamic[2] + dynamic[5], 16):
        tag, value = struct.unpack_from("<qQ", content, place)
        if tag == END:
            break
        entries.append((tag, value))
    address = next(value for tag, value in entries if tag == STRING_TABLE)
    load = next(header for header in headers if header[0] == LOAD and header[3] <= address < header[3] + header[5])
    table = address - load[3] + load[2]
    return [table + value for tag, value in entries if tag in RUN_PATHS]
