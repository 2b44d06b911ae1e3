"""What `scripts/sanitize` answers before it builds anything."""
import pathlib
import subprocess
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "sanitize"


class SanitizeTests(unittest.TestCase):
    def test_other_sanitizers_are_refused_in_one_line(self):
        for arguments in (["memory"], [""], ["address", "--help"], ["Thread"]):
            outcome = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, timeout=60)
            self.assertEqual(outcome.returncode, 64, arguments)
            self.assertEqual(outcome.stdout, "")
            self.assertEqual(
                outcome.stderr, f"sanitize: expected address or thread, found '{arguments[-1]}'\n")


if __name__ == "__main__":
    unittest.main()
