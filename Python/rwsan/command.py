"""Starts the command, which is a program of its own, with the libtorch of the torch that this Python would import.

torch is looked for and not imported: a wheel of torch has its C++ libraries in `torch/lib`, and they are all that is
needed. It may lie in another folder than this package, such as a user's own or that of a parent environment, so that
no path relative to the program says where.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from rwsan.errors import RWSANError, TorchError

_PROGRAM = Path(__file__).parent / "bin" / "rwsan"


def required_torch() -> str:
    """The version of torch that this package was built for, as its own metadata have it."""
    lines = metadata.requires("rwsan") or []
    found = next((match for line in lines if (match := re.match(r"torch ?\(?==([^;)\s]+)", line))), None)
    if found is None:
        raise TorchError("expected this package to say which torch it needs, found nothing: install rwsan again")
    return found[1]


def torch_libraries() -> Path:
    """The folder of libtorch's libraries.

    Raises:
        TorchError: where there is no torch, it is of another version, or it lacks the libraries.
    """
    required = required_torch()
    remedy = f"{sys.executable} -m pip install torch=={required}"
    try:
        spec = find_spec("torch")
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None or not spec.submodule_search_locations:
        raise TorchError(f"expected torch {required} for {sys.executable}, found none: {remedy}")
    folder = Path(spec.origin).absolute().parent
    found = _version(folder)
    # What stands behind the plus says for which processors and GPUs a build is; the interface is the same.
    if found.partition("+")[0] != required:
        raise TorchError(f"{folder}: expected torch {required}, found {found}: {remedy}")
    libraries = folder / "lib"
    for name in ["libtorch_cpu.so", "libc10.so"]:
        if not (libraries / name).is_file():
            raise TorchError(f"{libraries}: expected libtorch's libraries there, found no {name}: {remedy}")
    return libraries


def _version(folder: Path) -> str:
    try:
        text = (folder / "version.py").read_text(encoding="utf-8")
    except (OSError, ValueError):
        text = ""
    found = re.search(r"^__version__\s*(?::[^=]*)?=\s*['\"]([^'\"]+)['\"]", text, re.M)
    return found[1] if found else "one that does not say its version"


def main() -> NoReturn:
    """Puts the program in this process's place, so that signals and exit codes are its own."""
    try:
        libraries = str(torch_libraries())
        others = os.environ.get("LD_LIBRARY_PATH")
        environment = {**os.environ, "LD_LIBRARY_PATH": f"{libraries}:{others}" if others else libraries}
        # Python ignores these, and a program takes over what is ignored.
        for number in [signal.SIGPIPE, signal.SIGXFSZ]:
            signal.signal(number, signal.SIG_DFL)
        os.execve(_PROGRAM, ["rwsan", *sys.argv[1:]], environment)
    except RWSANError as error:
        sys.exit(f"rwsan: error: {error}")
    except OSError as error:
        sys.exit(f"rwsan: error: {_PROGRAM}: cannot be started: {error.strerror}: install rwsan again")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
