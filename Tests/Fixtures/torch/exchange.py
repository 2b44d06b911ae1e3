"""Reads a checkpoint of ours into the PyTorch network, with the very lines that the documents give for it.

    python exchange.py REPOSITORY DATASETS TARGETS OUTPUT

PyTorchExchangeTests runs it where the checkpoint lies at the place that the documents name. It answers the test
questions, then makes one step of Adam on the first training questions, whose scores `target` [questions, answers]
are in the file TARGETS. OUTPUT gets `question_id` [42], `logits` [42, answers] and the weights after the step,
`step.<name>`. Words, answers and settings come from the checkpoint's metadata.
"""

import json
import re
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch.nn.functional import binary_cross_entropy_with_logits

CHECKPOINT = "ckpts/ckpt_val/epoch16.safetensors"


def code_block(document, phrase):
    """The indented block of a Markdown document that has a phrase in it."""
    blocks = re.findall(r"(?:^(?: {4}.*)?\n)+", document.read_text(encoding="utf-8"), re.MULTILINE)
    (found,) = [block for block in blocks if phrase in block]
    return "\n".join(line[4:] for line in found.splitlines())


def network(module, settings, word_count, answer_count):
    config = module.Config()
    config.token_size, config.answer_size = word_count, answer_count
    config.word_embed, config.image_feat = settings["word_embed_size"], settings["img_feat_size"]
    config.hidden, config.heads = settings["hidden_size"], settings["multi_head"]
    config.layers = settings["srwsa_layer"]
    config.rank_question = settings["srwsa_midsize"]
    config.rank_image, config.rank_guided = settings["sgrwsa_sa_midsize"], settings["sgrwsa_ga_midsize"]
    config.flat_mlp, config.flat_out = settings["flat_mlp_size"], settings["flat_out_size"]
    config.dropout = settings["dropout_r"]
    return module.RWSAN(config)


class Examples:
    """Padded inputs of the network, as the official release makes them."""

    def __init__(self, datasets, split, words, settings):
        self.datasets, self.split, self.settings = datasets, split, settings
        self.numbers = {word: number for number, word in enumerate(words)}
        name = f"v2_OpenEnded_mscoco_{split}_questions.json"
        self.questions = json.loads((datasets / "vqa" / name).read_text(encoding="utf-8"))["questions"]

    def in_order_of_annotations(self):
        name = f"v2_mscoco_{self.split}_annotations.json"
        annotations = json.loads((self.datasets / "vqa" / name).read_text(encoding="utf-8"))["annotations"]
        by_id = {question["question_id"]: question for question in self.questions}
        self.questions = [by_id[annotation["question_id"]] for annotation in annotations]
        return self

    def batch(self, start, end):
        rows = self.questions[start:end]
        images, questions = zip(*((self.image(q["image_id"]), self.words(q["question"])) for q in rows))
        return torch.stack(images), torch.stack(questions)

    def image(self, image_id):
        path = self.datasets / "coco_extract" / self.split / f"COCO_{self.split}_{image_id:012d}.jpg.npz"
        count = self.settings["img_feat_pad_size"]
        regions = np.load(path)["x"].T[:count]
        return torch.from_numpy(np.pad(regions, ((0, count - len(regions)), (0, 0))).astype(np.float32))

    def words(self, question):
        text = re.sub(r"[.,'!?\"()*#:;]", "", question.lower()).replace("-", " ").replace("/", " ")
        numbers = [self.numbers.get(word, 1) for word in text.split()][: self.settings["max_token"]]
        return torch.tensor(numbers + [0] * (self.settings["max_token"] - len(numbers)))


def main(repository, datasets, targets, output):
    sys.path.insert(0, str(repository / "Benchmarks" / "peers"))
    import rwsan_torch

    with safe_open(CHECKPOINT, "pt") as file:
        settings, words, answers = (json.loads(file.metadata()[key]) for key in ("configuration", "words", "answers"))
    model = network(rwsan_torch, settings, len(words), len(answers))
    documented = {"model": model}
    exec(code_block(repository / "README.md", "model.load_state_dict("), documented)

    test = Examples(datasets, "test2015", words, settings)
    model.eval()
    with torch.no_grad():
        logits = model(*test.batch(0, None))
    result = {"question_id": torch.tensor([q["question_id"] for q in test.questions]), "logits": logits}

    exec(code_block(repository / "docs/formats.md", "optimizer.load_state_dict("), documented)
    target = load_file(targets)["target"]
    model.train()
    training = Examples(datasets, "train2014", words, settings).in_order_of_annotations()
    predicted = model(*training.batch(0, len(target)))
    binary_cross_entropy_with_logits(predicted, target, reduction="sum").backward()
    documented["optimizer"].step()
    result.update({f"step.{name}": weight.detach() for name, weight in model.named_parameters()})
    save_file(result, output)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])
