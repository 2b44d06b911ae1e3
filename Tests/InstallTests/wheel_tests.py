"""What an installed wheel's command has to do, whichever torch it uses."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from installed import FIXTURES, ask, check_answer, make_package, run, source_version, train


class WheelTests:
    """An empty environment with the wheel; a subclass puts torch into it."""

    @classmethod
    def setUpClass(cls):
        cls.wheel = make_package("make_wheel.py")
        folder = tempfile.TemporaryDirectory(prefix="rwsan-wheel-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name).resolve()
        cls.environment = cls.folder / "environment"
        run(sys.executable, "-m", "venv", cls.environment)
        cls.python = cls.environment / "bin" / "python3"
        cls.program = cls.environment / "bin" / "rwsan"
        cls.site = next((cls.environment / "lib").glob("python3*/site-packages"))

    @classmethod
    def pip_install(cls, *arguments):
        """Has the environment's pip install something, and gives how it ended."""
        command = [cls.python, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", *arguments]
        return subprocess.run(command, capture_output=True, text=True)

    def test_the_wheel_is_for_manylinux_and_brings_no_torch(self):
        self.assertRegex(self.wheel.name, rf"^rwsan-{source_version()}-py3-none-manylinux_2_\d+_x86_64\.whl$")
        with zipfile.ZipFile(self.wheel) as archive:
            names = archive.namelist()
        self.assertEqual([name for name in names if "torch_cpu" in name or "libc10" in name or "cudart" in name], [])
        for name in ["rwsan/lib/libcurl.so.4", "rwsan/lib/libX11.so.6", "rwsan/lib/libCTorchCUDA.so", "rwsan/py.typed"]:
            self.assertIn(name, names)

    def test_the_command_says_its_version_and_libtorchs(self):
        for command in [[self.program], [self.python, "-m", "rwsan"]]:
            self.assertRegex(run(*command, "--version").stdout, rf"(?s){source_version()}\b.*2\.11\.0")

    def test_the_command_answers_as_transformers_does(self):
        for command in [[self.program], [self.python, "-m", "rwsan"]]:
            check_answer(self, run(*command, *ask(FIXTURES)).stdout)

    def test_errors_are_the_programs_own_lines_and_codes(self):
        result = subprocess.run([self.program, "info", "nowhere"], capture_output=True, text=True, cwd=self.folder)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertTrue(result.stderr.startswith("rwsan: error: nowhere"), result.stderr)

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
