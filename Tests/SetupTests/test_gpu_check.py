"""What `scripts/gpu-check` answers where there is no GPU, or nothing to run on it."""

import os
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "gpu-check"

# A driver with so many devices.
DRIVER = """
int cuInit(unsigned flags) { return 0; }
int cuDeviceGetCount(int *count) { *count = DEVICES; return 0; }
int cuDeviceGetName(char *name, int size, int device) { name[0] = 'X'; name[1] = 0; return 0; }
"""


def has_driver():
    found = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True).stdout
    return "libcuda.so.1" in found


class GPUCheckTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.script = Path(shutil.copy2(SCRIPT, self.folder / "gpu-check"))

    def run_check(self, *arguments, **variables):
        return subprocess.run(
            [self.script, *arguments], env={**os.environ, **variables}, capture_output=True, text=True, timeout=60)

    def driver(self, devices):
        command = ["cc", "-shared", "-fPIC", "-x", "c", "-", f"-DDEVICES={devices}", "-o", self.folder / "libcuda.so.1"]
        subprocess.run(command, input=DRIVER.encode(), check=True)
        return {"LD_LIBRARY_PATH": str(self.folder)}

    @unittest.skipIf(has_driver(), "there is an NVIDIA driver")
    def test_without_a_gpu_it_says_so_at_once_and_with_a_code_of_its_own(self):
        began = time.monotonic()
        outcome = self.run_check()
        self.assertLess(time.monotonic() - began, 20)
        self.assertEqual(outcome.returncode, 3)
        self.assertEqual(outcome.stdout, "")
        self.assertEqual(outcome.stderr, "gpu-check: expected a GPU, found no NVIDIA driver (libcuda.so.1)\n")

    @unittest.skipUnless(shutil.which("cc"), "needs a C compiler")
    def test_a_driver_without_devices_is_no_gpu_and_a_gpu_without_a_packed_folder_is_told(self):
        outcome = self.run_check(**self.driver(0))
        self.assertEqual((outcome.returncode, outcome.stdout), (3, ""))
        self.assertEqual(outcome.stderr, "gpu-check: expected a GPU, found a driver with none (status 0)\n")
        outcome = self.run_check(**self.driver(1))
        self.assertEqual((outcome.returncode, outcome.stdout), (1, ""))
        self.assertIn("gpu-check.tar.xz: expected what 'scripts/gpu-check prepare FOLDER' packs", outcome.stderr)

    def test_a_damaged_folder_and_a_python_without_torch_are_told_in_one_line(self):
        (self.folder / "gpu-check.tar.xz").write_bytes(b"no archive")
        outcome = self.run_check("--device", "cpu", RWSAN_PYTHON="/nowhere/python")
        self.assertEqual(outcome.returncode, 1)
        self.assertRegex(outcome.stderr, r"^gpu-check: /nowhere/python: expected a Python with torch 2\.11\.0, found none: .*\n$")
        fake = self.folder / "python"
        fake.write_text("#!/bin/sh\necho 2.11.0+cu130 /nowhere/torch/__init__.py\n")
        fake.chmod(0o755)
        outcome = self.run_check("--device", "cpu", RWSAN_PYTHON=str(fake))
        self.assertEqual(outcome.returncode, 1)
        self.assertEqual(len(outcome.stderr.splitlines()), 1, outcome.stderr)
        fake.write_text("#!/bin/sh\necho 2.10.0 /nowhere/torch/__init__.py\n")
        outcome = self.run_check("--device", "cpu", RWSAN_PYTHON=str(fake))
        self.assertIn("expected torch 2.11.0, found 2.10.0", outcome.stderr)

    def test_what_is_neither_preparing_nor_checking_is_refused(self):
        outcome = self.run_check("prepare")
        self.assertEqual(outcome.returncode, 2)
        self.assertIn("expected prepare FOLDER or nothing, found prepare", outcome.stderr)


if __name__ == "__main__":
    unittest.main()
