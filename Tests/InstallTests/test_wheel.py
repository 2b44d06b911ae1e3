"""Installs the wheel that `make wheel` makes into an empty environment, and uses its command with the libtorch of set-up.

That is the same as the wheel of torch has, so that nothing is downloaded. test_wheel_with_pip.py has pip bring torch itself.
"""

import sys
import unittest

from installed import REPOSITORY
from wheel_tests import WheelTests

LIBTORCH = REPOSITORY / ".libtorch"


@unittest.skipIf(sys.version_info < (3, 10), "torch 2.11 needs python3 3.10 or later")
class WheelWithoutDownloadTests(WheelTests, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        result = cls.pip_install("--no-deps", "--no-index", cls.wheel)
        if result.returncode != 0:
            raise AssertionError(result.stderr)
        # The libraries as torch's wheel has them, without the Python around them.
        torch = cls.site / "torch"
        torch.mkdir()
        (torch / "__init__.py").write_text("raise AssertionError('torch was imported')\n")
        (torch / "version.py").write_text("__version__ = '2.11.0+cu130'\n")
        (torch / "lib").symlink_to(LIBTORCH / "torch" / "lib")
        (cls.site / "nvidia").symlink_to(LIBTORCH / "nvidia")


if __name__ == "__main__":
    unittest.main()
