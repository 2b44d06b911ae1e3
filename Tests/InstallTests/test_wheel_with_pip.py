"""Installs the wheel into an empty environment with the torch that pip brings, and uses its command and its module.

torch is a download of 3 GB: `make test-install-torch`, before a release. Skipped where pip cannot get it.
"""

import shutil
import subprocess
import sys
import unittest

from installed import FIXTURES, REPOSITORY, ask, check_answer, run, source_version, train
from wheel_tests import WheelTests

TRAINED = FIXTURES / "mini" / "datasets" / "coco_extract" / "train2014"
MODULE = REPOSITORY / "Tests" / "InstallTests" / "module_in_python.py"


@unittest.skipIf(sys.version_info < (3, 10), "torch 2.11 needs python3 3.10 or later")
class WheelWithPipTests(WheelTests, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        result = cls.pip_install("torch==2.11.0", "numpy")
        if result.returncode != 0:
            raise unittest.SkipTest(f"pip cannot get torch and numpy: {result.stderr.strip().splitlines()[-1]}")
        # torch is there already, so that this needs no network and changes nothing else.
        result = cls.pip_install("--no-index", cls.wheel)
        if result.returncode != 0:
            raise AssertionError(result.stderr)

    def module(self, test, *arguments):
        """Runs a test of the Python module in the environment's Python."""
        return run(self.python, MODULE, test, *arguments)

    def test_the_command_uses_the_torch_of_a_parent_environment(self):
        child = self.folder / "child"
        run(sys.executable, "-m", "venv", "--without-pip", child)
        own = next((child / "lib").glob("python3*/site-packages"))
        (own / "parent.pth").write_text(f"{self.site}\n")
        for name in ["rwsan", f"rwsan-{source_version()}.dist-info"]:
            shutil.copytree(self.site / name, own / name)
        # The program in the child has no torch beside it.
        self.assertEqual(
            run(child / "bin" / "python3", "-c", "import rwsan; print(rwsan.__file__)").stdout.strip(),
            str(own / "rwsan" / "__init__.py"))
        check_answer(self, run(child / "bin" / "python3", "-m", "rwsan", *ask(FIXTURES)).stdout)

    def test_the_library_for_a_gpu_finds_all_in_torch(self):
        if not (self.site / "torch" / "lib" / "libtorch_cuda.so").exists():
            self.skipTest("this torch was built without CUDA")
        self.module("cuda-library", self.site / "rwsan" / "lib" / "libCTorchCUDA.so")

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
