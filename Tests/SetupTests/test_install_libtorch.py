"""Installs small wheels, made here and found by the real pip in a folder, without a network."""

import base64
import hashlib
import os
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

INSTALLER = Path(__file__).parents[2] / "scripts" / "install_libtorch.py"
CPU_LIBRARY = "torch/lib/libtorch_cpu.so"
RUNTIME_LIBRARY = "nvidia/cu13/lib/libcudart.so.13"
BLAS_LIBRARY = "nvidia/cu13/lib/libcublas.so.13"
CUDA_HEADER = "nvidia/cu13/include/crt/host_config.h"


def write_wheel(folder, name, version, files, requires=(), listed=None):
    """A wheel whose RECORD lists `files`, or `listed` where that has something else for a path."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Requires-Dist: {line}" for line in requires]
    metadata += [f"Provides-Extra: {extra}" for extra in ("cudart", "cupti", "cublas", "crt")]
    contents = {**files, f"{info}/METADATA": "\n".join(metadata) + "\n"}
    contents[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = []
    for path, text in {**contents, **(listed or {})}.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        record.append(f"{path},sha256={digest},{len(text)}")
    contents[f"{info}/RECORD"] = "\n".join(record) + f"\n{info}/RECORD,,\n"
    wheel = Path(folder) / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in contents.items():
            archive.writestr(path, text)


class InstallLibtorchTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.wheels = Path(folder.name) / "wheels"
        self.wheels.mkdir()
        self.root = Path(folder.name) / "cache"
        self.site = self.root / "2.11.0"
        self.write_torch()
        write_wheel(
            self.wheels, "cuda-toolkit", "13.0.2", {},
            [
                "nvidia-cuda-runtime; extra == 'cudart'", "nvidia-cuda-crt; extra == 'crt'",
                "nvidia-cublas; extra == 'cublas'",
            ],
        )
        write_wheel(self.wheels, "nvidia-cuda-runtime", "13.0.96", {RUNTIME_LIBRARY: "runtime"})
        write_wheel(self.wheels, "nvidia-cuda-crt", "13.0.88", {CUDA_HEADER: "header"})
        write_wheel(self.wheels, "nvidia-cublas", "13.1.0", {BLAS_LIBRARY: "blas"})

    def write_torch(self, **options):
        files = {CPU_LIBRARY: "library", "torch/include/ATen/ATen.h": "header", "torch/nn/__init__.py": "python"}
        requires = ["filelock", "cuda-toolkit[cudart,cublas]==13.0.2; platform_system == 'Linux'"]
        write_wheel(self.wheels, "torch", "2.11.0", files, requires, **options)

    def install(self, *options):
        environment = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}
        command = [sys.executable, str(INSTALLER), *options, str(self.root)]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    def assert_installs(self, *options):
        result = self.install(*options)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout

    def test_installs_libraries_and_headers_but_no_python_and_no_cuda(self):
        self.assert_installs()
        self.assertEqual((self.site / CPU_LIBRARY).read_text(), "library")
        self.assertEqual((self.site / "torch/include/ATen/ATen.h").read_text(), "header")
        self.assertEqual((self.site / RUNTIME_LIBRARY).read_text(), "runtime")
        self.assertEqual((self.site / CUDA_HEADER).read_text(), "header")
        self.assertFalse((self.site / "torch/nn").exists())
        self.assertFalse((self.site / BLAS_LIBRARY).exists())
        self.assertEqual({path.name for path in self.root.iterdir()}, {"2.11.0", "lock"})

    def test_a_clone_gets_files_of_its_own_that_anybody_may_read(self):
        clone = self.root.parent / "clone" / ".libtorch"
        clone.parent.mkdir()
        clone.symlink_to(self.site)
        self.root.mkdir(mode=0o700)
        self.assert_installs("--clone", str(clone))
        library = clone / CPU_LIBRARY
        self.assertFalse(clone.is_symlink())
        self.assertTrue(library.samefile(self.site / CPU_LIBRARY))
        for path in [library, *library.parents][:4]:
            self.assertEqual(path.stat().st_mode & 0o444, 0o444, path)
        (self.site / CPU_LIBRARY).unlink()
        self.assert_installs("--clone", str(clone))
        self.assertTrue(library.samefile(self.site / CPU_LIBRARY))
        self.assertNotIn(str(clone), self.assert_installs("--clone", str(clone)))

    def test_something_else_in_the_clones_place_is_left_alone(self):
        clone = self.root.parent / ".libtorch"
        clone.mkdir()
        (clone / "mine").write_text("mine")
        result = self.install("--clone", str(clone))
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"{clone} is in the way", result.stderr)
        self.assertEqual((clone / "mine").read_text(), "mine")

    def test_a_second_run_downloads_nothing(self):
        self.assert_installs()
        self.assertNotIn("downloading", self.assert_installs())

    def test_cuda_can_be_added_to_what_is_there(self):
        self.assert_installs()
        self.assertNotIn("downloading torch==", self.assert_installs("--cuda"))
        self.assertEqual((self.site / BLAS_LIBRARY).read_text(), "blas")

    def test_a_truncated_library_is_repaired_and_the_rest_is_left_alone(self):
        self.assert_installs()
        (self.site / RUNTIME_LIBRARY).write_text("run")
        output = self.assert_installs()
        self.assertIn("expected 7 bytes, found 3", output)
        self.assertNotIn("downloading torch==", output)
        self.assertEqual((self.site / RUNTIME_LIBRARY).read_text(), "runtime")

    def test_a_change_that_keeps_the_size_is_found_by_hash(self):
        self.assert_installs()
        (self.site / CPU_LIBRARY).write_text("LIBRARY")
        self.assertNotIn("downloading", self.assert_installs())
        self.assert_installs("--verify")
        self.assertEqual((self.site / CPU_LIBRARY).read_text(), "library")

    def test_files_without_a_manifest_are_not_trusted(self):
        self.assert_installs()
        (self.site / ".complete").write_text('{"torch": 1}')
        (self.site / CPU_LIBRARY).write_text("partial")
        self.assert_installs()
        self.assertEqual((self.site / CPU_LIBRARY).read_text(), "library")

    def test_a_wheel_that_is_not_what_it_lists_is_refused(self):
        self.write_torch(listed={CPU_LIBRARY: "another"})
        result = self.install()
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"{CPU_LIBRARY} is not what its RECORD lists", result.stderr)
        self.assertNotIn("Traceback", result.stderr)
        self.assertFalse((self.site / CPU_LIBRARY).exists())

    def test_a_failed_download_says_so_and_installs_nothing(self):
        for wheel in self.wheels.glob("torch-*"):
            wheel.unlink()
        result = self.install()
        self.assertEqual(result.returncode, 1)
        self.assertIn("pip could not download torch==2.11.0", result.stderr)
        self.assertFalse((self.site / ".complete").exists())


if __name__ == "__main__":
    unittest.main()
