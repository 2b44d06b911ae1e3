"""Installs the wheel that `make wheel` makes into an empty environment, with the torch that pip brings, and uses it.

The program's build takes minutes, and torch is a download of gigabytes, unless pip has it in its cache: `make test-wheel`.
Skipped where pip cannot get torch.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile
from pathlib import Path

from installed import FIXTURES, REPOSITORY, ask, check_answer, make_package, run, source_version, train

TRAINED = FIXTURES / "mini" / "datasets" / "coco_extract" / "train2014"
MODULE = REPOSITORY / "Tests" / "InstallTests" / "module_in_python.py"


@unittest.skipIf(sys.version_info < (3, 10), "torch 2.11 needs python3 3.10 or later")
class WheelTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.wheel = make_package("make_wheel.py")
        folder = tempfile.TemporaryDirectory(prefix="rwsan-wheel-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.environment = cls.folder / "environment"
        run(sys.executable, "-m", "venv", cls.environment)
        cls.python = cls.environment / "bin" / "python3"
        cls.program = cls.environment / "bin" / "rwsan"
        command = [cls.python, "-m", "pip", "install", "--quiet", "--no-input", cls.wheel, "numpy"]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            # Whether pip reaches torch is the machine's affair; whether the wheel can be installed is ours.
            run(cls.python, "-m", "pip", "install", "--quiet", "--no-input", "--no-deps", cls.wheel)
            raise unittest.SkipTest(f"pip cannot get torch and numpy: {result.stderr.strip().splitlines()[-1]}")

    def module(self, test, *arguments):
        """Runs a test of the Python module in the environment's Python."""
        return run(self.python, MODULE, test, *arguments)

    def test_the_wheel_is_for_manylinux_and_brings_no_torch(self):
        self.assertRegex(self.wheel.name, rf"^rwsan-{source_version()}-py3-none-manylinux_2_\d+_x86_64\.whl$")
        with zipfile.ZipFile(self.wheel) as archive:
            names = archive.namelist()
        self.assertEqual([name for name in names if "torch_cpu" in name or "libc10" in name or "cudart" in name], [])
        for name in ["rwsan/lib/libcurl.so.4", "rwsan/lib/libX11.so.6", "rwsan/lib/libCTorchCUDA.so", "rwsan/py.typed"]:
            self.assertIn(name, names)

    def test_the_command_says_its_version_and_libtorchs(self):
        for command in [[self.program], [self.python, "-m", "rwsan"]]:
            self.assertRegex(run(*command, "--version").stdout, rf"{source_version()}\b.*2\.11\.0")

    def test_the_command_answers_as_transformers_does(self):
        for command in [[self.program], [self.python, "-m", "rwsan"]]:
            check_answer(self, run(*command, *ask(FIXTURES)).stdout)

    def test_errors_are_the_programs_own_lines_and_codes(self):
        result = subprocess.run([self.program, "info", "nowhere"], capture_output=True, text=True, cwd=self.folder)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertTrue(result.stderr.startswith("rwsan: error: nowhere"), result.stderr)

    def test_the_command_uses_the_torch_of_a_parent_environment(self):
        child = self.folder / "child"
        run(sys.executable, "-m", "venv", "--without-pip", child)
        own = next((child / "lib").glob("python3*/site-packages"))
        parent = next((self.environment / "lib").glob("python3*/site-packages"))
        (own / "parent.pth").write_text(f"{parent}\n")
        for name in ["rwsan", f"rwsan-{source_version()}.dist-info"]:
            shutil.copytree(parent / name, own / name)
        # The program in the child has no torch beside it.
        self.assertEqual(
            run(child / "bin" / "python3", "-c", "import rwsan; print(rwsan.__file__)").stdout.strip(),
            str(own / "rwsan" / "__init__.py"))
        check_answer(self, run(child / "bin" / "python3", "-m", "rwsan", *ask(FIXTURES)).stdout)

    def test_another_torch_is_one_line(self):
        fake = self.folder / "fake"
        (fake / "torch").mkdir(parents=True)
        (fake / "torch" / "__init__.py").touch()
        (fake / "torch" / "version.py").write_text("__version__ = '2.9.1+cpu'\n")
        result = subprocess.run(
            [self.program, "--version"], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(fake)})
        self.assertEqual(result.returncode, 1)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertIn("expected torch 2.11.0, found 2.9.1+cpu", result.stderr)

    def test_ctrl_c_finishes_the_step_and_tells_how_to_go_on(self):
        process = subprocess.Popen(
            [self.program, *train(FIXTURES, "stopped", epochs=1000)], cwd=self.folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        stopped = self.folder / "ckpts" / "ckpt_stopped"
        deadline = time.monotonic() + 60
        while not (stopped / "epoch1.safetensors").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 128 + signal.SIGINT, errors)
        self.assertTrue((stopped / "interrupted.safetensors").exists(), errors)

    def test_the_module_loads_weights_as_torch_does(self):
        official = FIXTURES / "mini" / "ckpts" / "epoch2.pkl"
        exported, trained = self.folder / "exported", self.folder / "trained"
        trained.mkdir()
        mini = FIXTURES / "mini"
        settings = [argument for argument in train(FIXTURES, "x") if argument.startswith("--set=")]
        given = ["--data", mini / "datasets", "--answers", mini / "answer_dict.json", *settings]
        run(self.program, "export", "--checkpoint", official, *given, "--output", exported)
        result = subprocess.run(
            [self.program, *train(FIXTURES, "weights")], cwd=trained, capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        checkpoint = trained / result.stdout.strip()
        self.module("weights", official, exported, checkpoint, FIXTURES / "hub" / "vilt")

    def test_the_module_refuses_damaged_files_in_one_line(self):
        self.module("damaged", FIXTURES / "hub" / "vilt" / "model.safetensors", self.folder)

    def test_a_store_gives_the_regions_that_it_was_packed_from(self):
        for name, precision in [("half", "float16"), ("single", "float32")]:
            store = self.folder / f"{name}.packed"
            run(self.program, "pack", "--input", TRAINED, "--output", store, "--dtype", precision)
            self.module("store", store, TRAINED, precision)

    def test_a_store_with_names_and_a_damaged_one(self):
        named = self.folder / "named"
        named.mkdir()
        for number, path in enumerate(sorted(TRAINED.glob("*.npz"))):
            shutil.copyfile(path, named / f"{['n', '', '00'][number % 3]}{number + 1}.npz")
        store = self.folder / "named.packed"
        run(self.program, "pack", "--input", named, "--output", store, "--image-ids", "name")
        self.module("named", store)
        self.module("damaged-store", store)


if __name__ == "__main__":
    unittest.main()
