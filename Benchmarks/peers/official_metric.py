"""The official VQA metric in plain Python, as `vqa.py` and `vqaEval.py` (GT-Vision-Lab/VQA, BSD licence) compute it.

  python official_metric.py QUESTIONS ANNOTATIONS RESULTS

Loads the files, makes the metric's indices, evaluates, and prints one JSON line with the overall accuracy, that of
each answer type and question type, and seconds from reading to the end.
"""
import copy
import json
import sys
import time

from answers import process_digits_and_articles, process_punctuation


class VQA:
    """Annotations and questions by question number, as the metric's reader keeps them."""

    def __init__(self, annotations, questions):
        self.annotations, self.questions = annotations, questions
        self.image_to_questions, self.answers, self.asked = {}, {}, {}
        for annotation in annotations:
            self.image_to_questions.setdefault(annotation["image_id"], []).append(annotation)
            self.answers[annotation["question_id"]] = annotation
        for question in questions:
            self.asked[question["question_id"]] = question

    def load_results(self, results, question_file):
        """Results with the image and types of each question; the reader opens the question file again."""
        with open(question_file) as file:
            questions = json.load(file)["questions"]
        if {one["question_id"] for one in results} != set(self.answers):
            sys.exit("official_metric: results do not cover the annotated questions exactly")
        for one in results:
            annotation = self.answers[one["question_id"]]
            for key in ("image_id", "question_type", "answer_type"):
                one[key] = annotation[key]
        return VQA(results, copy.copy(questions))


def accuracy_of(annotation, result):
    """The accuracy of one answer, from 0 to 1."""
    given = annotation["answers"]
    answer = result["answer"].replace("\n", " ").replace("\t", " ").strip()
    if len({one["answer"] for one in given}) > 1:
        for one in given:
            one["answer"] = process_punctuation(one["answer"])
    answer = process_digits_and_articles(process_punctuation(answer))
    accuracies = []
    for datum in given:
        others = [one for one in given if one != datum]
        matching = [one for one in others if one["answer"] == answer]
        accuracies.append(min(1, float(len(matching)) / 3))
    return float(sum(accuracies)) / len(accuracies)


def rounded_mean(accuracies):
    return round(100 * float(sum(accuracies)) / len(accuracies), 2)


def evaluate(truth, results):
    """Accuracies as the metric reports them, and those of all questions, in percent."""
    every, by_question_type, by_answer_type, evaluated = [], {}, {}, {}
    for question in list(truth.answers):
        annotation = truth.answers[question]
        accuracy = accuracy_of(annotation, results.answers[question])
        every.append(accuracy)
        by_question_type.setdefault(annotation["question_type"], []).append(accuracy)
        by_answer_type.setdefault(annotation["answer_type"], []).append(accuracy)
        evaluated[question] = round(100 * accuracy, 2)
    return {
        "overall": rounded_mean(every),
        "perQuestionType": {name: rounded_mean(some) for name, some in by_question_type.items()},
        "perAnswerType": {name: rounded_mean(some) for name, some in by_answer_type.items()},
    }, evaluated


def main():
    question_file, annotation_file, result_file = sys.argv[1:]
    start = time.perf_counter()
    with open(annotation_file) as file:
        annotations = json.load(file)["annotations"]
    with open(question_file) as file:
        questions = json.load(file)["questions"]
    truth = VQA(annotations, questions)
    with open(result_file) as file:
        results = truth.load_results(json.load(file), question_file)
    accuracy, _ = evaluate(truth, results)
    print(json.dumps({"what": "metric", "seconds": time.perf_counter() - start, **accuracy}))


if __name__ == "__main__":
    main()
