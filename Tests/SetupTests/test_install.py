"""Installs a built program into a folder that is thrown away, runs it there, and takes it away again."""

import importlib.util
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
INSTALLER = REPOSITORY / "scripts" / "install"
BUILDS = [REPOSITORY / ".build" / kind / "rwsan" for kind in ("debug", "release")]
PROGRAM = next((path for path in BUILDS if os.access(path, os.X_OK)), None)


def load_run_path():
    """The script that reads and writes run paths, as a module."""
    description = importlib.util.spec_from_file_location("run_path", REPOSITORY / "scripts" / "run_path.py")
    module = importlib.util.module_from_spec(description)
    sys.dont_write_bytecode = True
    description.loader.exec_module(module)
    return module


def install(*arguments, **variables):
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **variables}
    return subprocess.run([INSTALLER, *arguments], env=environment, capture_output=True, text=True, timeout=300)


def contents(folder):
    """All files below a folder, by path."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}


@unittest.skipUnless(PROGRAM, "needs a built program: swift build")
class InstallTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="install ")
        cls.addClassCleanup(folder.cleanup)
        cls.destination = Path(folder.name) / "a package"
        cls.prefix = cls.destination / "usr" / "local"
        # What somebody else has put there.
        cls.foreign = cls.prefix / "share" / "man" / "man1" / "other.1"
        cls.foreign.parent.mkdir(parents=True)
        cls.foreign.write_text("other")
        cls.outcome = cls.install()
        assert cls.outcome.returncode == 0, cls.outcome.stderr

    @classmethod
    def install(cls, *arguments):
        return install("--program", PROGRAM, *arguments, DESTDIR=str(cls.destination))

    def run_installed(self, *arguments, prefix=None):
        program = (prefix or self.prefix) / "bin" / "rwsan"
        return subprocess.run([program, *arguments], cwd="/", env={}, capture_output=True, text=True, timeout=60)

    def description(self):
        return json.loads(self.run_installed("--experimental-dump-help").stdout)["command"]

    def test_the_program_runs_with_its_own_libraries_and_none_of_the_clone_or_the_toolchain(self):
        outcome = self.run_installed("--version")
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        self.assertRegex(outcome.stdout, r"^rwsan \d+\.\d+\.\d+, libtorch 2\.11\.0\n")
        loaded = subprocess.run(
            ["ldd", self.prefix / "bin" / "rwsan"], env={}, capture_output=True, text=True, check=True).stdout
        self.assertNotIn("not found", loaded)
        self.assertNotIn(str(REPOSITORY), loaded)
        places = {Path(os.path.normpath(path)) for path in re.findall(r" => (/.*) \(0x", loaded)}
        own = {path.name for path in places if self.prefix in path.parents}
        self.assertTrue({"libtorch_cpu.so", "libc10.so", "libgomp.so.1"} <= own, own)
        self.assertFalse([path for path in places if "/swift/" in str(path)])
        for name in ("rwsan", "rwsan-server"):
            if (self.prefix / "bin" / name).exists():
                # Elsewhere in the program, what is for a debugger may name the clone.
                content = (self.prefix / "bin" / name).read_bytes()
                run_paths = [content[place:content.index(b"\0", place)].decode()
                             for place in load_run_path().run_path_places(content)]
                self.assertTrue(run_paths, name)
                for folder in ":".join(run_paths).split(":"):
                    self.assertTrue(folder.startswith("$ORIGIN"), f"{name}: {folder}")

    def test_it_runs_wherever_its_folder_is_moved_to(self):
        moved = self.destination / "elsewhere"
        self.prefix.rename(moved)
        try:
            outcome = self.run_installed("info", "/nowhere", prefix=moved)
        finally:
            moved.rename(self.prefix)
        self.assertEqual((outcome.returncode, outcome.stderr), (1, "rwsan: error: /nowhere: no such file or folder\n"))

    def test_each_command_has_a_page_with_its_usage_and_every_option(self):
        manual = self.prefix / "share" / "man" / "man1"

        def check(command, path):
            page = (manual / ("-".join(path) + ".1")).read_text()
            plain = page.replace("\\-", "-").replace("\\fB", "").replace("\\fR", "").replace("\\fI", "")
            self.assertIn(".SH SYNOPSIS\n.nf\nrwsan", plain)
            for argument in command.get("arguments", []):
                if argument.get("shouldDisplay", True) and argument["kind"] != "positional":
                    self.assertIn("--" + argument["names"][-1]["name"], plain)
            for one in command.get("subcommands", []):
                if one.get("shouldDisplay", True) and one["commandName"] != "help":
                    self.assertIn("-".join([*path, one["commandName"]]) + "(1)", plain)
                    check(one, [*path, one["commandName"]])

        check(self.description(), ["rwsan"])

    @unittest.skipUnless(shutil.which("groff"), "needs groff")
    def test_pages_are_what_groff_takes_without_a_warning(self):
        for page in (self.prefix / "share" / "man" / "man1").glob("rwsan*.1"):
            if page.name == "rwsan-server.1":
                continue
            outcome = subprocess.run(["groff", "-man", "-Tutf8", "-ww", page], capture_output=True, text=True)
            self.assertEqual((outcome.returncode, outcome.stderr), (0, ""), page.name)
            self.assertNotIn("\\", outcome.stdout.replace("\\fI", ""), page.name)

    def test_completions_lie_where_shells_look_and_are_of_their_languages(self):
        bash = self.prefix / "share" / "bash-completion" / "completions" / "rwsan"
        line = f"source '{bash}' && complete -p rwsan"
        outcome = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        others = {"zsh": "zsh/site-functions/_rwsan", "fish": "fish/vendor_completions.d/rwsan.fish"}
        for shell, place in others.items():
            path = self.prefix / "share" / place
            self.assertIn("rwsan", path.read_text())
            if shutil.which(shell):
                self.assertEqual(subprocess.run([shell, "-n", path]).returncode, 0, shell)

    def test_installing_again_removes_what_an_earlier_version_had_and_nothing_else(self):
        before = contents(self.prefix)
        listing = self.prefix / "lib" / "rwsan" / "installed-files"
        stale = self.prefix / "share" / "man" / "man1" / "rwsan-old.1"
        stale.write_text("old")
        listing.write_text(listing.read_text() + "share/man/man1/rwsan-old.1\n")
        outcome = self.install()
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        self.assertEqual(contents(self.prefix), before)

    def test_uninstalling_leaves_what_others_have_put_there_and_says_when_nothing_is_left(self):
        other = self.destination / "once"
        (other / "usr" / "local").mkdir(parents=True)
        # By links, for the same bytes need no second copy.
        shutil.copytree(self.prefix, other / "usr" / "local", copy_function=os.link, dirs_exist_ok=True)
        outcome = install("--uninstall", DESTDIR=str(other))
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        self.assertEqual(contents(other), {"usr/local/share/man/man1/other.1"})
        self.assertFalse((other / "usr" / "local" / "lib").exists())
        again = install("--uninstall", DESTDIR=str(other))
        self.assertEqual(again.returncode, 1)
        self.assertRegex(again.stderr, r"^install: .*expected the list of what was installed, found none\n$")

    def test_a_file_of_somebody_else_is_neither_overwritten_nor_listed(self):
        with tempfile.TemporaryDirectory() as destination:
            program = Path(destination) / "usr" / "local" / "bin" / "rwsan"
            program.parent.mkdir(parents=True)
            program.write_text("mine")
            outcome = install("--program", PROGRAM, DESTDIR=destination)
            self.assertEqual(outcome.returncode, 1)
            self.assertEqual(len(outcome.stderr.splitlines()), 1, outcome.stderr)
            self.assertIn("somebody else's file", outcome.stderr)
            self.assertEqual(contents(Path(destination)), {"usr/local/bin/rwsan"})
            self.assertEqual(program.read_text(), "mine")

    def test_what_a_killed_installation_leaves_is_taken_away(self):
        with tempfile.TemporaryDirectory() as destination:
            prefix = Path(destination) / "usr" / "local"
            listed = prefix / "lib" / "rwsan" / "installed-files"
            library = prefix / "lib" / "rwsan" / "torch" / "lib" / "libtorch_cpu.so"
            library.parent.mkdir(parents=True)
            library.with_name(library.name + ".partial").write_text("half")
            files = ["bin/rwsan", "lib/rwsan/installed-files", "lib/rwsan/torch/lib/libtorch_cpu.so"]
            folders = ["lib/", "lib/rwsan/", "lib/rwsan/torch/", "lib/rwsan/torch/lib/"]
            listed.write_text("".join(line + "\n" for line in files + folders))
            # A folder in a file's place cannot be removed: the rest is, and the list stays for the next time.
            (prefix / "bin" / "rwsan").mkdir(parents=True)
            self.assertEqual(install("--uninstall", DESTDIR=destination).returncode, 1)
            self.assertEqual(contents(prefix), {"lib/rwsan/installed-files"})
            (prefix / "bin" / "rwsan").rmdir()
            outcome = install("--uninstall", DESTDIR=destination)
            self.assertEqual(outcome.returncode, 0, outcome.stderr)
            self.assertFalse((prefix / "lib").exists())

    def test_what_cannot_be_is_refused_in_one_line_and_changes_nothing(self):
        nowhere = self.destination / "nowhere"
        cases = [
            (["--prefix", "usr"], {}, "PREFIX: expected a path that begins with /, found 'usr'"),
            (["--program", "/nowhere/rwsan", "--prefix", nowhere], {}, "expected the built program, found none: make build"),
            (["--program", "/bin/sh", "--prefix", nowhere], {}, "expected libtorch in a folder torch/lib, found none"),
            (["--program", PROGRAM, "--prefix", "/proc/nowhere"], {}, "/proc/nowhere"),
        ]
        for arguments, variables, words in cases:
            outcome = install(*arguments, **variables)
            self.assertEqual(outcome.returncode, 1, arguments)
            self.assertEqual(len(outcome.stderr.splitlines()), 1, outcome.stderr)
            self.assertIn(words, outcome.stderr)
        self.assertFalse(nowhere.exists())

    def test_a_list_that_leads_out_of_the_folder_is_not_followed(self):
        victim = self.destination / "victim"
        victim.write_text("mine")
        prefix = self.destination / "damaged"
        (prefix / "lib" / "rwsan").mkdir(parents=True)
        for line in ("../victim", str(victim), ""):
            (prefix / "lib" / "rwsan" / "installed-files").write_text("bin/rwsan\n" + line + "\n")
            outcome = install("--uninstall", "--prefix", str(prefix))
            self.assertEqual(outcome.returncode, 1)
            self.assertIn("expected paths below", outcome.stderr)
        self.assertEqual(victim.read_text(), "mine")


class RunPathTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.run_path = load_run_path()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / "library.so"

    def expect_refusal(self, content, words):
        self.file.write_bytes(content)
        with self.assertRaisesRegex(self.run_path.RunPathError, words):
            self.run_path.change(self.file, "$ORIGIN")
        self.assertEqual(self.file.read_bytes(), content)

    def test_files_that_are_no_programs_or_are_cut_off_are_refused_and_left_as_they_are(self):
        self.expect_refusal(b"", "expected an ELF file")
        self.expect_refusal(b"#!/bin/sh\n", "expected an ELF file")
        self.expect_refusal(b"\x7fELF\x02\x01" + b"\0" * 20, "cut off")
        # Program headers that would lie behind the end.
        self.expect_refusal(
            b"\x7fELF\x02\x01" + b"\0" * 26 + struct.pack("<Q", 1 << 40) + b"\0" * 14 + struct.pack("<HH", 56, 3), "cut off")

    @unittest.skipUnless(shutil.which("cc") and shutil.which("readelf"), "needs a C compiler and readelf")
    def test_the_run_path_is_replaced_by_one_that_is_no_longer(self):
        command = ["cc", "-shared", "-x", "c", "-", "-o", self.file, "-Wl,-rpath,/a/long/folder"]
        subprocess.run(command, input=b"int one(void) { return 1; }", check=True)
        self.run_path.change(self.file, "$ORIGIN/x")
        shown = subprocess.run(["readelf", "-d", self.file], capture_output=True, text=True, check=True).stdout
        self.assertRegex(shown, r"\(R(UN)?PATH\) .*\[\$ORIGIN/x\]")
        with self.assertRaisesRegex(self.run_path.RunPathError, "expected a run path of 20 bytes or more, found 9"):
            self.run_path.change(self.file, "x" * 20)


if __name__ == "__main__":
    unittest.main()
