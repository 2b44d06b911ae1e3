"""Unpacks what `make dist` packs in a Debian that has neither Swift nor Python, and runs it there.

The Debian is made by debootstrap, from where this system's own packages come from. It takes a minute, and the program's
build minutes before it: `make test-install`. Skipped where there is no debootstrap (scripts/setup --install-tests brings it) or
it may not be used.
"""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from installed import FIXTURES, ask, check_answer, make_package, run, source_version, train

# What even the smallest Debian has. All else that the program needs has to come with it.
GLIBC = {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1", "libresolv.so.2"}


def repository():
    """Where this system's packages come from, and the name of its release; nothing where apt knows of none."""
    release = re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.M)
    if not shutil.which("apt-get") or not release:
        return None
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE) $(CODENAME) $(COMPONENT)", "Created-By: Packages"],
        capture_output=True, text=True).stdout
    found = [line.split() for line in listed.splitlines()]
    return next(((line[0], release[1]) for line in found if line[1:] == [release[1], "main"]), None)


@unittest.skipUnless(shutil.which("debootstrap"), "debootstrap is not there: scripts/setup --install-tests")
@unittest.skipUnless(os.geteuid() == 0, "debootstrap and chroot are for root alone")
@unittest.skipUnless(repository(), "apt knows of no repository of this system's release")
class DistTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="rwsan-debian-")
        cls.addClassCleanup(folder.cleanup)
        cls.root = Path(folder.name) / "debian"
        site, release = repository()
        made = subprocess.run(
            ["debootstrap", "--variant=minbase", release, cls.root, site], capture_output=True, text=True)
        if made.returncode != 0:
            last = (made.stdout + made.stderr).strip().splitlines()[-1:]
            raise unittest.SkipTest(f"debootstrap cannot make a Debian from here: {last}")
        run("tar", "xzf", make_package("make_dist.py"), "-C", cls.root / "opt")
        cls.home = f"/opt/rwsan-{source_version()}"
        cls.program = f"{cls.home}/bin/rwsan"
        for name in ["hub", "mini"]:
            shutil.copytree(FIXTURES / name, cls.root / "fixtures" / name)

    def inside(self, *command):
        """Runs a command in the Debian, which has its own /proc for as long."""
        script = 'mount -t proc proc "$1/proc" && exec chroot "$1" /usr/bin/env -i PATH=/usr/bin:/bin HOME=/root '
        script += 'OMP_NUM_THREADS=1 sh -c \'cd /tmp && exec "$@"\' sh "${@:2}"'
        return run("unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-c", script, "bash", self.root, *command)

    def test_the_debian_has_neither_swift_nor_python(self):
        look = "for name in swift python3 python perl; do command -v $name; done; true"
        found = self.inside("sh", "-c", look).stdout
        self.assertEqual([Path(line).name for line in found.splitlines()], ["perl"])
        self.assertEqual([path for path in (self.root / "usr" / "lib").rglob("libswiftCore*")], [])

    def test_it_says_its_version_and_libtorchs(self):
        self.assertRegex(self.inside(self.program, "--version").stdout, rf"(?s){source_version()}\b.*2\.11\.0")

    def test_every_library_is_its_own_but_for_glibcs(self):
        listed = self.inside("/lib64/ld-linux-x86-64.so.2", "--list", self.program).stdout
        found = re.findall(r"^\s*(\S+) => (\S+)", listed, re.M)
        self.assertGreater(len(found), 30)
        foreign = {name for name, path in found if not os.path.normpath(path).startswith(self.home + "/lib/")}
        self.assertLessEqual(foreign - {"linux-vdso.so.1"}, GLIBC)

    def test_run_paths_do_not_lead_out_of_it(self):
        for path in sorted((self.root / self.home[1:]).rglob("*")):
            if path.is_file() and path.read_bytes()[:4] == b"\x7fELF":
                listed = run("readelf", "-d", path).stdout
                for paths in re.findall(r"\((?:RPATH|RUNPATH)\).*\[(.*)\]", listed):
                    # A folder outside of the package could be anybody's.
                    folders = [entry.replace("$ORIGIN", str(path.parent)) for entry in paths.split(":")]
                    for folder in map(os.path.normpath, folders):
                        self.assertTrue(folder.startswith(str(self.root) + self.home), f"{path}: {paths}")

    def test_it_answers_as_transformers_does(self):
        check_answer(self, self.inside(self.program, *ask("/fixtures")).stdout)

    def test_it_trains_and_says_what_came_out(self):
        trained = self.inside(self.program, *train("/fixtures", "bare"))
        self.assertIn("accuracy", trained.stderr)
        checkpoint = trained.stdout.strip()
        self.assertTrue(checkpoint.endswith("epoch1.safetensors"), trained.stdout)
        told = self.inside(self.program, "info", checkpoint).stdout
        self.assertIn("rwsan", told)
        self.assertIn("hidden_size", told)

    def test_it_draws_an_explanation_and_reads_pictures_of_every_format(self):
        arguments = ask("/fixtures")
        self.inside(self.program, *arguments, "--explain", "why.png", "--explain-by", "occlusion")
        self.assertEqual((self.root / "tmp" / "why.png").read_bytes()[:4], b"\x89PNG")
        for name in ["plain.gif", "rgba.webp", "lzw.tif"]:
            arguments[arguments.index("--picture") + 1] = f"/fixtures/hub/transparent/{name}"
            self.inside(self.program, *arguments)

    def test_a_gpu_and_a_server_that_are_not_in_it_are_one_line(self):
        for arguments in [[*ask("/fixtures"), "--device", "cuda:0"], ["serve", "--model", "/fixtures/hub/vilt"]]:
            with self.assertRaises(AssertionError) as caught:
                self.inside(self.program, *arguments)
            lines = [line for line in str(caught.exception).splitlines()[1:] if line]
            self.assertEqual(len(lines), 1, lines)
            self.assertIn("rwsan: error: ", lines[0])

    def test_licences_of_all_parts_are_there(self):
        licences = self.root / self.home[1:] / "licenses"
        for name in ["LICENSE", "swift/swift.txt", "swift/swift-argument-parser.txt", "system/libcurl4.txt"]:
            self.assertGreater((licences / name).stat().st_size, 500, name)
        self.assertEqual(len(list((licences / "libtorch").glob("*/*"))), 5)
        named = (licences / "system" / "versions.txt").read_text()
        for path in (self.root / self.home[1:] / "lib").glob("*.so*"):
            if path.name.startswith("libjbig"):
                # The library of that name is under the GPL: what is here does nothing.
                self.assertNotIn(path.name, named)
                self.assertLess(path.stat().st_size, 20_000)
            else:
                self.assertIn(path.name, named)


if __name__ == "__main__":
    unittest.main()
