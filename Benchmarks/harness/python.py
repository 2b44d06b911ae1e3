"""Finds the Python that the peers run in."""
import os
import subprocess

from harness.measuring import Failure

TORCH = "2.11.0"
PROBE = """
import importlib.metadata as metadata
for name in ("torch", "numpy"):
    try:
        print(name, metadata.version(name))
    except metadata.PackageNotFoundError:
        print(name, "none")
"""


def find_python():
    """The path of RWSAN_PYTHON, else of python3; raises Failure where it lacks what the peers need."""
    python = os.environ.get("RWSAN_PYTHON", "python3")
    try:
        result = subprocess.run([python, "-c", PROBE], stdout=subprocess.PIPE, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Failure(f"{python} does not run: {error}; RWSAN_PYTHON names another Python, --ours-only needs none")
    found = dict(line.split() for line in result.stdout.splitlines())
    missing = [] if found["torch"].split("+")[0] == TORCH else [f"torch {TORCH} (found {found['torch']})"]
    missing += ["numpy (found none)"] if found["numpy"] == "none" else []
    if missing:
        raise Failure(f"the peers need {' and '.join(missing)} in {python}: install it there "
                      f"({python} -m pip install torch=={TORCH} numpy), set RWSAN_PYTHON to a Python that has it, "
                      "or measure without peers (--ours-only)")
    return python
