"""How the wheel's command finds torch and starts the program: with a torch and a program made here."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from installed import REPOSITORY

METADATA = "Metadata-Version: 2.1\nName: rwsan\nVersion: 9.9.9\nRequires-Dist: torch==2.11.0\n"

PROGRAM = """#!/bin/sh
echo "$0 $*"
echo "$LD_LIBRARY_PATH"
grep SigIgn /proc/self/status
case $1 in
    fail) exit 7 ;;
    signal) kill -INT $$ ;;
esac
"""


def write_torch(folder, version="2.11.0+cu130", libraries=("libtorch_cpu.so", "libc10.so")):
    """A torch that must not be imported, in a folder of packages."""
    torch = folder / "torch"
    (torch / "lib").mkdir(parents=True)
    (torch / "__init__.py").write_text("raise AssertionError('torch was imported')")
    (torch / "version.py").write_text(f"from typing import Optional\n\n__version__ = '{version}'\ndebug = False\n")
    for name in libraries:
        (torch / "lib" / name).touch()
    return torch


@unittest.skipIf(sys.version_info < (3, 10), "torch 2.11 needs python3 3.10 or later")
class CommandTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()
        self.site = self.folder / "site"
        shutil.copytree(REPOSITORY / "Python" / "rwsan", self.site / "rwsan")
        (self.site / "rwsan-9.9.9.dist-info").mkdir()
        (self.site / "rwsan-9.9.9.dist-info" / "METADATA").write_text(METADATA)
        self.program = self.site / "rwsan" / "bin" / "rwsan"
        self.program.parent.mkdir()
        self.program.write_text(PROGRAM)
        self.program.chmod(0o755)

    def start(self, *arguments, others=(), **variables):
        # Without the packages of this Python, which may have a torch.
        path = ":".join(str(folder) for folder in [self.site, *others])
        environment = {**os.environ, "PYTHONPATH": path, **variables}
        # Jobs in a shell's background ignore Ctrl-C, and so would what they start.
        return subprocess.run(
            [sys.executable, "-S", "-m", "rwsan", *arguments], env=environment, capture_output=True, text=True,
            cwd=self.folder, timeout=60, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))

    def assert_one_line(self, result, *parts):
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertTrue(result.stderr.startswith("rwsan: error: "), result.stderr)
        for part in parts:
            self.assertIn(part, result.stderr)

    def test_the_program_gets_the_arguments_and_libtorch_of_a_torch_that_is_not_imported(self):
        torch = write_torch(self.site)
        result = self.start("ask", "--question", "what colour is it?", LD_LIBRARY_PATH="")
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = result.stdout.splitlines()
        self.assertEqual(lines[0], f"{self.program} ask --question what colour is it?")
        self.assertEqual(lines[1], str(torch / "lib"))

    def test_torch_may_lie_in_another_folder_and_goes_before_other_libraries(self):
        torch = write_torch(self.folder / "parent", "2.11.0+cpu")
        result = self.start(others=[self.folder / "parent"], LD_LIBRARY_PATH="/somewhere")
        self.assertEqual(result.stdout.splitlines()[1], f"{torch / 'lib'}:/somewhere", result.stderr)

    def test_the_torch_that_python_would_import_counts(self):
        first = write_torch(self.folder / "first", "2.11.0")
        write_torch(self.site, "2.5.1")
        path = f"{self.folder / 'first'}:{self.site}"
        result = self.start(PYTHONPATH=path, LD_LIBRARY_PATH="")
        self.assertEqual(result.stdout.splitlines()[1], str(first / "lib"), result.stderr)

    def test_exit_codes_and_signals_are_the_programs(self):
        write_torch(self.site)
        self.assertEqual(self.start("fail").returncode, 7)
        self.assertEqual(self.start("signal").returncode, -signal.SIGINT)

    def test_signals_that_python_ignores_are_not_ignored_by_the_program(self):
        write_torch(self.site)
        ignored = int(self.start().stdout.splitlines()[2].split()[1], 16)
        for number in [signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT]:
            self.assertEqual(ignored >> number - 1 & 1, 0, number)

    def test_no_torch_is_one_line_with_the_remedy(self):
        self.assert_one_line(self.start(), "expected torch 2.11.0", "found none", "-m pip install torch==2.11.0")

    def test_a_folder_of_that_name_is_no_torch(self):
        (self.site / "torch").mkdir()
        self.assert_one_line(self.start(), "found none")

    def test_another_torch_is_one_line_with_its_place(self):
        torch = write_torch(self.site, "2.10.0+cu128")
        self.assert_one_line(self.start(), str(torch), "expected torch 2.11.0", "found 2.10.0+cu128", "pip install")

    def test_a_torch_of_a_longer_version_is_another(self):
        write_torch(self.site, "2.11.0.post1")
        self.assert_one_line(self.start(), "found 2.11.0.post1")

    def test_a_torch_without_a_version_is_one_line(self):
        (write_torch(self.site) / "version.py").write_bytes(b"\xff")
        self.assert_one_line(self.start(), "found one that does not say its version")

    def test_a_torch_without_its_libraries_is_one_line(self):
        write_torch(self.site, libraries=["libtorch_cpu.so"])
        self.assert_one_line(self.start(), "found no libc10.so")

    def test_a_program_that_cannot_be_started_is_one_line(self):
        write_torch(self.site)
        self.program.unlink()
        self.assert_one_line(self.start(), str(self.program), "cannot be started: No such file", "install rwsan again")


if __name__ == "__main__":
    unittest.main()
