#!/usr/bin/env python3
"""The peer of models as the Hugging Face hub publishes them: transformers, on the same folder.

    hub_models.py folder vilt|lxmert FOLDER      random weights of the released size, as save_pretrained writes them
    hub_models.py picture FILE                   a picture that ViLT sees at 384 x 512
    hub_models.py regions FILE                   36 regions of a picture
    hub_models.py bench vilt|lxmert FOLDER INPUT seconds an answer, the median of --runs, and the logits of the first
    hub_models.py pictures FOLDER                8 pictures of several shapes, and 4 questions about each
    hub_models.py batch vilt FOLDER PICTURES     seconds for those 32 questions, 8 at a time
    hub_models.py compare OURS PEER              how far apart logits are, as a share of the largest
"""
import argparse
import json
import pathlib
import resource
import statistics
import time

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

QUESTION = "what color is the cat on the left table"
QUESTIONS = [QUESTION, "how many cats are there", "is the man on the left", "what is on the table next to the red cat"]


def vocabulary(folder):
    """As many words as bert-base-uncased has; those of the questions among them."""
    words = ["[PAD]"] + [f"[unused{i}]" for i in range(99)] + ["[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words += sorted({word for question in QUESTIONS for word in question.split()})
    words += [f"word{i}" for i in range(30522 - len(words))]
    (folder / "vocab.txt").write_text("".join(word + "\n" for word in words))
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True, "tokenizer_class": "BertTokenizer"}))
    return {word: number for number, word in enumerate(words)}


def ids(words, question):
    return [words["[CLS]"], *(words[word] for word in question.split()), words["[SEP]"]]


def read_words(folder):
    return {word: number for number, word in enumerate((folder / "vocab.txt").read_text().splitlines())}


def folder(args):
    from transformers import (LxmertConfig, LxmertForQuestionAnswering, ViltConfig, ViltForQuestionAnswering,
                              ViltImageProcessor)
    torch.manual_seed(0)
    path = pathlib.Path(args.paths[1])
    path.mkdir(parents=True)
    vocabulary(path)
    answers = [f"answer {i}" for i in range(3129)]
    if args.paths[0] == "vilt":
        config = ViltConfig(id2label=dict(enumerate(answers)), label2id={a: i for i, a in enumerate(answers)})
        model = ViltForQuestionAnswering(config)
        ViltImageProcessor().save_pretrained(path)
    else:
        config = LxmertConfig(num_qa_labels=len(answers))
        model = LxmertForQuestionAnswering(config)
        (path / "trainval_label2ans.json").write_text(json.dumps(answers))
    model.save_pretrained(path)


def noise(width, height, generator):
    """Noise in several grains."""
    layers = [np.asarray(Image.fromarray(generator.integers(0, 256, (height // grain, width // grain, 3), np.uint8))
                         .resize((width, height), Image.BICUBIC), np.float32) for grain in (4, 20, 80)]
    return Image.fromarray(np.mean(layers, 0).astype(np.uint8))


def picture(args):
    noise(640, 480, np.random.default_rng(0)).save(args.paths[0], format="PNG")


def pictures(args):
    generator, path = np.random.default_rng(1), pathlib.Path(args.paths[0])
    path.mkdir(parents=True)
    with open(path / "questions.jsonl", "w") as lines:
        for number, (width, height) in enumerate([(640, 480), (480, 640), (640, 427), (427, 640)] * 2):
            noise(width, height, generator).save(path / f"{number}.png")
            for question in QUESTIONS:
                line = {"id": f"{number} {question}", "picture": f"{number}.png", "question": question}
                lines.write(json.dumps(line) + "\n")


def regions(args):
    generator = np.random.default_rng(0)
    corners = np.sort(generator.random((36, 2, 2), np.float32), axis=1) * np.float32([640, 480])
    features = np.maximum(generator.standard_normal((36, 2048), np.float32), 0)
    with open(args.paths[0], "wb") as file:
        np.savez_compressed(file, x=features.T, bbox=corners.reshape(36, 4), num_bbox=36, image_h=480, image_w=640)


def viLT(path):
    from transformers import ViltForQuestionAnswering, ViltImageProcessor
    model = ViltForQuestionAnswering.from_pretrained(path).eval()
    processor, words = ViltImageProcessor.from_pretrained(path), read_words(path)

    def answer(files, questions):
        seen = processor([Image.open(file).convert("RGB") for file in files], return_tensors="pt")
        tokens = [torch.tensor(ids(words, question)) for question in questions]
        padded = torch.nn.utils.rnn.pad_sequence(tokens, batch_first=True)
        return model(input_ids=padded, attention_mask=(padded != 0).long(), **seen).logits

    return answer


def lxmert(path):
    from transformers import LxmertForQuestionAnswering
    model, words = LxmertForQuestionAnswering.from_pretrained(path).eval(), read_words(path)

    def answer(files, questions):
        stored = [np.load(file) for file in files]
        features = torch.stack([torch.tensor(one["x"].T) for one in stored])
        boxes = torch.stack([torch.tensor(one["bbox"]) / torch.tensor([640.0, 480, 640, 480]) for one in stored])
        # As its published uses do, padded to 20.
        padded = torch.zeros(len(questions), 20, dtype=torch.long)
        for row, question in enumerate(questions):
            found = ids(words, question)
            padded[row, :len(found)] = torch.tensor(found)
        return model(input_ids=padded, attention_mask=(padded != 0).long(), visual_feats=features,
                     visual_pos=boxes).question_answering_score

    return answer


def timed(answer, runs, files, questions):
    seconds = []
    with torch.inference_mode():
        for _ in range(runs + 2):
            start = time.perf_counter()
            logits = answer(files, questions)
            seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[2:]), logits


def finish(seconds, logits, args):
    if args.logits:
        save_file({"logits": logits.float().contiguous()}, args.logits)
    print(json.dumps({"seconds_per_answer": seconds,
                      "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def bench(args):
    torch.set_num_threads(args.threads)
    kind, path, file = args.paths
    answer = {"vilt": viLT, "lxmert": lxmert}[kind](pathlib.Path(path))
    if args.once:
        with torch.inference_mode():
            answer([file], [QUESTION])
        return
    finish(*timed(answer, args.runs, [file], [QUESTION]), args)


def batch(args):
    torch.set_num_threads(args.threads)
    answer, folder = viLT(pathlib.Path(args.paths[1])), pathlib.Path(args.paths[2])
    lines = [json.loads(line) for line in (folder / "questions.jsonl").read_text().splitlines()]

    def all_of_them(_files, _questions):
        parts = [lines[start:start + 8] for start in range(0, len(lines), 8)]
        return torch.cat([answer([folder / line["picture"] for line in part], [line["question"] for line in part])
                          for part in parts])

    finish(*timed(all_of_them, args.runs, None, None), args)


def compare(args):
    ours, peer = (load_file(path)["logits"] for path in args.paths)
    print(json.dumps({"difference": float((ours - peer).abs().max() / peer.abs().max())}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("folder", "picture", "pictures", "regions", "bench", "batch", "compare"))
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--logits", help="write the logits here too")
    parser.add_argument("--once", action="store_true", help="answer once and time nothing")
    options = parser.parse_args()
    globals()[options.command](options)
