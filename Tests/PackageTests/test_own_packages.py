"""Builds packages of somebody's own against a tagged clone, by URL and version, and runs them.

Examples/OwnModel, and the programs that README shows. They build the whole package once more, so that this takes minutes:
`make test-packages`.
"""

import json
import os
import re
import shutil
import struct
import subprocess
import tempfile
import unittest
import zlib
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
MINI = REPOSITORY / "Tests" / "Fixtures" / "mini"
# The one place where it is written.
SOURCE = REPOSITORY / "Sources" / "Pipeline" / "VisualQuestionAnswering" / "PackageVersion.swift"
VERSION = re.search(r'current = "([^"]+)"', SOURCE.read_text())[1]


def run(command, folder, **variables):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if result.returncode != 0:
        raise AssertionError(f"{command} ended with {result.returncode}:\n{result.stdout}\n{result.stderr}")
    return result


def write_picture(path, colour):
    """A PNG of 64 x 64 pixels of one colour."""

    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    rows = (b"\0" + bytes(colour) * 64) * 64
    header = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def write_dataset(folder):
    """Pictures of two colours and 96 questions about them, in VQA-v2's form."""
    colours = {"red": (220, 30, 30), "blue": (30, 30, 220)}
    for split, count, first in [("train2014", 96, 1), ("val2014", 24, 201)]:
        questions, annotations = [], []
        for number in range(first, first + count):
            name = ["red", "blue"][number % 2]
            write_picture(folder / "images" / split / f"COCO_{split}_{number:012}.png", colours[name])
            question = {"image_id": number, "question_id": number, "question": "what colour is the cat?"}
            questions.append(question)
            answers = [{"answer": name, "answer_confidence": "yes", "answer_id": i} for i in range(1, 11)]
            annotations.append(
                {
                    "image_id": number, "question_id": number, "question_type": "what colour", "answer_type": "other",
                    "multiple_choice_answer": name, "answers": answers,
                }
            )
        vqa = folder / "vqa"
        vqa.mkdir(exist_ok=True)
        (vqa / f"v2_OpenEnded_mscoco_{split}_questions.json").write_text(json.dumps({"questions": questions}))
        (vqa / f"v2_mscoco_{split}_annotations.json").write_text(json.dumps({"annotations": annotations}))


def readme_programs():
    """The programs of README's section on programs of one's own: those that import the library."""
    text = (REPOSITORY / "README.md").read_text()
    section = text[text.index("## In your own program") :]
    blocks = re.findall(r"```swift\n(.*?)```", section, re.S)
    return [block for block in blocks if block.startswith("import VisualQuestionAnswering")]


class OwnPackageTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        clone = cls.folder / "rwsan"
        run(["git", "clone", "--quiet", str(REPOSITORY), str(clone)], cls.folder)
        run(["git", "tag", "--force", VERSION], clone)
        cls.package = cls.folder / "own-model"
        shutil.copytree(REPOSITORY / "Examples" / "OwnModel", cls.package, ignore=shutil.ignore_patterns(".build"))
        cls.add_readme_programs()
        run(["swift", "build"], cls.package, RWSAN_URL=f"file://{clone}")
        cls.binaries = cls.package / ".build" / "debug"

    @classmethod
    def add_readme_programs(cls):
        """As targets of the same package, so that what they depend on is built once."""
        ask, train = readme_programs()
        dataset = (REPOSITORY / "Tests" / "PackageTests" / "own-dataset" / "main.swift").read_text()
        manifest = cls.package / "Package.swift"
        targets = ""
        for name, text in [("ask", ask), ("train", train), ("own-dataset", dataset)]:
            source = cls.package / "Sources" / name / "main.swift"
            source.parent.mkdir()
            source.write_text(text if "Foundation" in text else "import Foundation\n" + text)
            product = '.product(name: "VisualQuestionAnswering", package: "rwsan")'
            targets += f'        .executableTarget(name: "{name}", dependencies: [{product}]),\n'
        manifest.write_text(manifest.read_text().replace("    targets: [\n", "    targets: [\n" + targets))

    def test_a_package_by_url_and_version_trains_its_own_model_and_asks_it(self):
        work = self.folder / "mini-work"
        work.mkdir()
        own = str(self.binaries / "own-model")
        sizes = ["--set", "img_feat_size=24", "--set", "img_feat_pad_size=40", "--set", "batch_size=16"]
        train = [own, "train", "--data", str(MINI / "datasets"), "--name", "own", "--set", "model=mean"]
        train += [*sizes, "--set", "use_glove=false", "--set", "max_epoch=2"]
        trained = run([*train, "--answers", str(MINI / "answer_dict.json")], work)
        self.assertIn("mean: ", trained.stderr)
        checkpoint = trained.stdout.strip()
        features = next((MINI / "datasets" / "coco_extract" / "val2014").glob("*.npz"))
        asked = run([own, "ask", "--checkpoint", checkpoint, "--features", str(features), "--question", "is it red?"], work)
        self.assertEqual(len(asked.stdout.splitlines()), 5, asked.stdout)
        settings = run([own, "help", "settings", "--set", "model=mean"], work).stdout
        self.assertIn("The width of the hidden rows.", settings)
        evaluated = run([own, "evaluate", "--checkpoint", checkpoint, "--data", str(MINI / "datasets"), "--json"], work)
        self.assertIn("overall", json.loads(evaluated.stdout))

    def test_a_dataset_and_features_of_ones_own_need_nothing_that_is_not_public(self):
        work = self.folder / "dataset-work"
        work.mkdir()
        lines = run([str(self.binaries / "own-dataset")], work).stdout.splitlines()
        self.assertEqual(lines[0], "[3, 2] [12] [3, 2]")
        self.assertTrue((work / "ckpts" / "ckpt_colours" / "epoch1.safetensors").exists(), lines)

    def test_the_programs_of_the_readme_train_and_ask(self):
        work = self.folder / "readme-work"
        work.mkdir()
        write_dataset(work / "datasets")
        own = str(self.binaries / "own-model")
        for split in ["train2014", "val2014"]:
            run(
                [
                    own, "extract", "--pictures", f"datasets/images/{split}", "--output",
                    f"datasets/coco_extract/{split}",
                ],
                work,
            )
        write_picture(work / "cat.png", (220, 30, 30))
        trained = run([str(self.binaries / "train")], work).stdout.splitlines()
        self.assertEqual(len(trained), 3, trained)
        self.assertTrue(trained[1].startswith("2 "), trained)
        asked = run([str(self.binaries / "ask")], work).stdout.splitlines()
        self.assertEqual(sorted(line.split()[1] for line in asked), ["blue", "red"])


if __name__ == "__main__":
    unittest.main()
