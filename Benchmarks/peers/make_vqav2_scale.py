"""Writes question, annotation and result files as large as VQA-v2's and Visual Genome's, of made-up words.

  python make_vqav2_scale.py DATASETS [--scale 1.0]

At scale 1: 443,757 train, 214,354 val, 447,793 test, 107,394 test-dev and 485,000 Visual Genome questions in the
official layout, and DATASETS/val_results.json with an answer to each val question. As in VQA-v2, questions have 6.2
words on average out of 20,000, frequent and rare as in a language; ten people answer each, and seven of them agree
on average; 3,129 answers are the most frequent one of more than 8 questions of train and val. The same scale gives
the same files. Needs nothing but Python.
"""
import argparse
import itertools
import json
import pathlib
import random

COUNTS = {"train": 443757, "val": 214354, "test": 447793, "test-dev": 107394, "vg": 485000}
FIRST_IMAGE = {"train": 1, "val": 200001, "test": 400001, "test-dev": 400001, "vg": 1}
SUBTYPES = {"train": "train2014", "val": "val2014", "test": "test2015", "test-dev": "test-dev2015"}
WORDS, FREQUENT_ANSWERS, SEEN = 20000, 3129, 9
KINDS = [("is the", "yes/no"), ("are there", "yes/no"), ("does the", "yes/no"), ("how many", "number"),
         ("what color is the", "other"), ("what is the", "other"), ("where is the", "other"), ("why", "other")]


def made_up_words(count):
    """Words of two to four syllables; as in a language, the first ones, which are used most, are the shortest."""
    rng = random.Random(1)
    syllables = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "ol")]
    words = {}
    while len(words) < count:
        words["".join(rng.choices(syllables, k=rng.choice((2, 2, 3, 4))))] = None
    return sorted(words, key=len)


class Drawing:
    """Draws items, the earlier ones more often: the i-th in proportion to 1 / (i + flattening)."""

    def __init__(self, rng, items, flattening):
        self.rng, self.items = rng, items
        self.cumulative = list(itertools.accumulate(1 / (i + flattening) for i in range(len(items))))

    def draw(self, count):
        return self.rng.choices(self.items, cum_weights=self.cumulative, k=count)


class Wording:
    """Makes questions and answers."""

    def __init__(self, scale):
        self.rng = random.Random(0)
        vocabulary = made_up_words(WORDS + FREQUENT_ANSWERS)
        self.words = Drawing(self.rng, vocabulary[:WORDS], 30)
        self.rare_words = iter(vocabulary[: int(WORDS * scale)])
        names = ["yes", "no"] + [str(number) for number in range(100)] + vocabulary[WORDS:]
        self.frequent = names[:max(10, int(FREQUENT_ANSWERS * scale))]
        self.answers = Drawing(self.rng, self.frequent, 1)
        # Each frequent answer is the most frequent one of enough questions, as far as there are questions.
        self.due = iter(self.frequent * SEEN)
        self.rare_count = 0

    def question(self, kind):
        length = max(1, round(self.rng.gauss(6.2, 2)) - len(kind.split()))
        words = self.words.draw(min(length, 12))
        # Every word is used once at least.
        words[-1:] = [next(self.rare_words, words[-1])]
        return f"{kind.capitalize()} {' '.join(words)}?"

    def best_answer(self):
        """What most people answer: 93 times in 100 a frequent answer, else one of which there are few."""
        if self.rng.random() < 0.07:
            self.rare_count += 1
            number = self.rare_count // 3
            return f"{self.words.items[number % WORDS]} {number}"
        return next(self.due, None) or self.answers.draw(1)[0]

    def ten_answers(self, best):
        others = self.answers.draw(10)
        certainty = self.rng.random() ** 0.4  # 0.7 on average
        return [best if self.rng.random() < certainty else other for other in others]


def header(split):
    """How a file begins; Visual Genome's has the records only."""
    if split == "vg":
        return "{"
    fields = {"info": {"version": "2.0"}, "task_type": "Open-Ended", "data_type": "mscoco",
              "data_subtype": SUBTYPES[split], "license": {"name": "", "url": ""}}
    return json.dumps(fields)[:-1] + ", "


def write_records(path, split, key, records):
    """Writes records as `json.dump` would, one after another."""
    with open(path, "w") as file:
        file.write(f'{header(split)}"{key}": [')
        for number, record in enumerate(records):
            file.write(", " + record if number else record)
        file.write("]}")


def question_record(image, text, number):
    return f'{{"image_id": {image}, "question": "{text}", "question_id": {number}}}'


def annotation_record(kind, best, given, image, number):
    answers = ", ".join(f'{{"answer": "{answer}", "answer_confidence": "yes", "answer_id": {place}}}'
                        for place, answer in enumerate(given, 1))
    return (f'{{"question_type": "{kind[0]}", "multiple_choice_answer": "{best}", "answers": [{answers}], '
            f'"image_id": {image}, "answer_type": "{kind[1]}", "question_id": {number}}}')


def write_split(folder, split, count, wording):
    """Writes a split's questions, and its annotations where they are public; returns answers to the questions."""
    rng, questions, annotations, results = wording.rng, [], [], []
    is_annotated = not split.startswith("test")
    for index in range(count):
        image = FIRST_IMAGE[split] + index // 5
        number = image * 1000 + index % 5 + (100 if split == "vg" else 0)
        kind = rng.choice(KINDS)
        questions.append(question_record(image, wording.question(kind[0]), number))
        if is_annotated:
            best = wording.best_answer()
            annotations.append(annotation_record(kind, best, wording.ten_answers(best), image, number))
            results.append({"answer": best if rng.random() < 0.6 else wording.answers.draw(1)[0],
                            "question_id": number})
    name = "VG_{}.json" if split == "vg" else f"v2_OpenEnded_mscoco_{SUBTYPES[split]}_{{}}.json"
    write_records(folder / name.format("questions"), split, "questions", questions)
    if is_annotated:
        write_records(folder / name.replace("OpenEnded_", "").format("annotations"), split, "annotations", annotations)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", type=pathlib.Path)
    parser.add_argument("--scale", type=float, default=1.0)
    options = parser.parse_args()
    folder = options.datasets / "vqa"
    folder.mkdir(parents=True, exist_ok=True)
    wording = Wording(options.scale)
    for split, count in COUNTS.items():
        results = write_split(folder, split, int(count * options.scale), wording)
        if split == "val":
            (options.datasets / "val_results.json").write_text(json.dumps(results))
        print(f"{split}: {int(count * options.scale)} questions", flush=True)


if __name__ == "__main__":
    main()
