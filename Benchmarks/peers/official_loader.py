"""What the official release does with question and annotation files until it is ready to train, in plain Python.

  python official_loader.py DATASETS [--splits train]

Reads the questions of train, val, test and Visual Genome to number their words, and the annotations of train and val
to make the answer list; reads the files of the splits to train on, and once more those of the val split that is
evaluated after every epoch, each into a data set of its own; puts together the first batch of 64, of which only
questions and targets are computed when an item is asked for. Prints one JSON line.
"""
import argparse
import json
import pathlib
import re
import time

import numpy as np

from answers import normalized

QUESTIONS = {"train": "v2_OpenEnded_mscoco_train2014_questions.json", "vg": "VG_questions.json",
             "val": "v2_OpenEnded_mscoco_val2014_questions.json", "test": "v2_OpenEnded_mscoco_test2015_questions.json"}
ANNOTATIONS = {"train": "v2_mscoco_train2014_annotations.json", "val": "v2_mscoco_val2014_annotations.json",
               "vg": "VG_annotations.json"}
SEEN_MORE_THAN = 8
MAXIMUM_WORDS = 16


def read(folder, names, splits, key):
    """The records of some splits' files, one after another."""
    records = []
    for split in splits:
        with open(folder / names[split]) as file:
            records += json.load(file)[key]
    return records


def words_of(question):
    return re.sub(r"([.,'!?\"()*#:;])", "", question.lower()).replace("-", " ").replace("/", " ").split()


def number_words(questions):
    """A number for every word, in order of first appearance."""
    numbers = {"PAD": 0, "UNK": 1}
    for question in questions:
        for word in words_of(question["question"]):
            if word not in numbers:
                numbers[word] = len(numbers)
    return numbers


def number_answers(annotations):
    """A number for every answer that is the most frequent one of enough questions."""
    seen = {}
    for annotation in annotations:
        answer = normalized(annotation["multiple_choice_answer"])
        seen[answer] = seen.get(answer, 0) + 1
    numbers = {}
    for answer, count in seen.items():
        if count > SEEN_MORE_THAN:
            numbers[answer] = len(numbers)
    return numbers


class DataSet:
    """A split's questions and answers; an item is computed when it is asked for."""

    def __init__(self, folder, splits, words, answers):
        self.questions = {str(one["question_id"]): one for one in read(folder, QUESTIONS, splits, "questions")}
        self.annotations = read(folder, ANNOTATIONS, splits, "annotations")
        self.words, self.answers = words, answers

    def __len__(self):
        return len(self.annotations)

    def __getitem__(self, index):
        annotation = self.annotations[index]
        question = self.questions[str(annotation["question_id"])]
        numbers = np.zeros(MAXIMUM_WORDS, np.int64)
        for place, word in enumerate(words_of(question["question"])[:MAXIMUM_WORDS]):
            numbers[place] = self.words.get(word, self.words["UNK"])
        return numbers, self.target(annotation)

    def target(self, annotation):
        """A score for every answer of the list that people gave."""
        counts, target = {}, np.zeros(len(self.answers), np.float32)
        for one in annotation["answers"]:
            answer = normalized(one["answer"])
            counts[answer] = counts.get(answer, 0) + 1
        for answer, count in counts.items():
            if answer in self.answers:
                target[self.answers[answer]] = min(0.3 * count, 1.0) if count < 4 else 1.0
        return target


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", type=pathlib.Path)
    parser.add_argument("--splits", default="train", help="train, train+val or train+val+vg")
    options = parser.parse_args()
    folder, splits = options.datasets / "vqa", options.splits.split("+")
    start = time.perf_counter()
    words = number_words(read(folder, QUESTIONS, ["train", "val", "test", "vg"], "questions"))
    answers = number_answers(read(folder, ANNOTATIONS, ["train", "val"], "annotations"))
    training = DataSet(folder, splits, words, answers)
    validation = None if "val" in splits else DataSet(folder, ["val"], words, answers)
    batch = [training[index * 7919 % len(training)] for index in range(min(64, len(training)))]
    np.stack([numbers for numbers, _ in batch]), np.stack([target for _, target in batch])
    print(json.dumps({"what": "start", "seconds": time.perf_counter() - start, "questions": len(training),
                      "val_questions": len(validation or []), "words": len(words), "answers": len(answers)}))


if __name__ == "__main__":
    main()
