"""Which libraries a program loads, as the system's loader says; for scripts/install, scripts/distribution and scripts/gpu-check."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path


class LinkError(Exception):
    """What is in the way, in a line for the user."""


def linked_libraries(program: Path) -> dict[str, Path]:
    """The libraries of a program and those that they need, by the names by which they are asked for.

    LD_LIBRARY_PATH counts for nothing, for it would put somebody else's in. Raises LinkError where one is not there.
    """
    environment = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
    outcome = subprocess.run(["ldd", str(program)], env=environment, capture_output=True, text=True)
    if outcome.returncode != 0:
        raise LinkError(f"{program}: ldd fails: {(outcome.stderr or outcome.stdout).strip()}")
    found = dict(re.findall(r"^\s*(\S+) => (.*?)(?: \(0x[0-9a-f]+\))?$", outcome.stdout, re.M))
    missing = [name for name, path in found.items() if path == "not found"]
    if missing:
        raise LinkError(f"{program}: expected its libraries, found none called {missing[0]}: scripts/setup, then make build")
    return {name: Path(path) for name, path in found.items()}
