"""Measures small commands with the harness of Benchmarks/, and checks the peers against the official fixtures."""

import contextlib
import dataclasses
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

REPOSITORY = Path(__file__).parents[2]
BENCH = REPOSITORY / "Benchmarks" / "bench"
FIXTURES = REPOSITORY / "Tests" / "Fixtures"
sys.path[:0] = [str(REPOSITORY / "Benchmarks"), str(REPOSITORY / "Benchmarks" / "peers")]

import make_features  # noqa: E402
import make_vqav2_scale  # noqa: E402
import official_metric  # noqa: E402
from harness import report  # noqa: E402
from harness.measuring import Failure, Row, Side, measure  # noqa: E402
from harness.rows import Setting, busy, close, same  # noqa: E402
from harness.scaling import Costs, fit  # noqa: E402

SETTINGS = {"machine": "a machine", "device": "cpu", "precision": "float32", "threads": 2, "scale": 1.0, "steps": 3}


def printing(**fields):
    """A command that prints a JSON line."""
    return [sys.executable, "-c", f"print({json.dumps(json.dumps(fields))})"]


def row(ours, peer, check=lambda ours, peer: None):
    return Row("work", "", Side(ours, "seconds"), Side(peer, "seconds"), check)


def quietly(function, *arguments, **options):
    with contextlib.redirect_stderr(io.StringIO()):
        return function(*arguments, **options)


class MeasuringTests(unittest.TestCase):
    def test_both_sides_run_as_often_as_asked_and_the_ratio_is_pair_by_pair(self):
        measured = quietly(measure, row(printing(seconds=2), printing(seconds=8)), 3)
        self.assertEqual(measured["ours"]["seconds"], [2, 2, 2])
        self.assertEqual(measured["peer"]["seconds"], [8, 8, 8])
        self.assertGreater(measured["peer"]["peak_mib"], 3)
        results = {**SETTINGS, "rows": {"work": measured}}
        self.assertIn("| 4 (4 to 4) ", report.table(results))

    def test_sides_that_differ_are_refused(self):
        def check(ours, peer):
            same(["words"], ours, peer)

        with self.assertRaisesRegex(Failure, "expected words 7, found 6"):
            measure(row(printing(seconds=1, words=6), printing(seconds=1, words=7), check), 1)
        with self.assertRaises(Failure):
            same(["words"], {}, {})
        with self.assertRaises(Failure):
            close("sum", 1.01, 1.0)

    def test_a_command_that_fails_or_tells_no_time_is_refused(self):
        with self.assertRaisesRegex(Failure, "status 3"):
            measure(row([sys.executable, "-c", "raise SystemExit(3)"], printing(seconds=1)), 1)
        with self.assertRaisesRegex(Failure, "expected a JSON line with seconds"):
            measure(row(printing(words=3), printing(seconds=1)), 1)

    def test_a_busy_row_runs_both_sides_beside_busy_processes_and_holds_ours_against_its_share(self):
        children = ("import json, os; own = os.getpid(); parent = os.getppid(); children = open("
                    "f'/proc/{parent}/task/{parent}/children').read().split(); print(json.dumps({'seconds': 3, "
                    "'others': len(children) - 1}))")
        side = [sys.executable, "-c", children]
        found = []
        quiet = row(side, side, lambda ours, peer: found.extend([ours["others"], peer["others"]]))
        measured = quietly(measure, busy(quiet, Setting("cpu", "float32", 1, 2)), 2)
        self.assertEqual(found, [2, 2, 2, 2])
        self.assertEqual(measured["ours"]["seconds"], [3, 3])
        # Two threads beside two others have half of two cores.
        self.assertEqual(measured["limit"]["seconds"], [6, 6])
        self.assertIn("beside 2 busy processes", measured["title"])

    def test_a_gpu_s_memory_is_watched_while_a_command_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            fake = Path(folder) / "nvidia-smi"
            fake.write_text(f"#!/bin/sh\ncat {folder}/used\n")
            fake.chmod(0o755)
            used = Path(folder) / "used"
            used.write_text("100")
            code = f"import time; open({str(used)!r}, 'w').write('350'); time.sleep(0.8); print('{{\"seconds\": 1}}')"
            with mock.patch.dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}"):
                side = [sys.executable, "-c", code]
                measured = quietly(measure, row(side, side), 1, with_peer=False, device="cuda:0")
        self.assertEqual(measured["ours"]["peak_mib"], 250)


class ScalingTests(unittest.TestCase):
    # Round numbers, so that what comes out can be added up by hand.
    costs = Costs(fixed=0.1, per_question=0.01, questions=64, bytes=128 << 20, latency=0.001, memory=float(1 << 30),
                  link=float(1 << 27))

    def test_one_process_exchanges_nothing(self):
        self.assertAlmostEqual(self.costs.step(1, 1), 0.74)
        self.assertEqual(self.costs.efficiency(1, 1), 1)

    def test_a_process_computes_whole_questions(self):
        self.assertAlmostEqual(self.costs.compute(48), 0.1 + 2 * 0.01)
        self.assertAlmostEqual(self.costs.compute(512), 0.1 + 0.01)

    def test_processes_of_one_machine_exchange_twice_what_is_not_their_own_part(self):
        # 0.1 + 0.32 s, six messages, and 128 MB at 1 GB/s.
        self.assertAlmostEqual(self.costs.step(2, 2), 0.42 + 0.006 + 0.125)

    def test_processes_of_a_machine_share_its_link(self):
        # Of four processes on two machines, each sends half of its half out, twice, together all of it once at 128 MB/s.
        self.assertAlmostEqual(self.costs.exchange(4, 2), 0.010 + 1.5 * 0.125 + 1)
        self.assertAlmostEqual(self.costs.exchange(2, 1), 0.006 + 0.125 + 1)

    def test_what_stops_paying_is_a_matter_of_the_link(self):
        # 0.74 s against twice 1.551 s, and against twice 0.551 s; with four processes against four times 0.4535 s.
        self.assertEqual(self.costs.pays(1), 1)
        self.assertEqual(dataclasses.replace(self.costs, link=float("inf")).pays(1), 2)

    def test_a_line_through_times_is_found(self):
        fixed, per_question = fit([(16, 0.26), (32, 0.42), (64, 0.74)])
        self.assertAlmostEqual(fixed, 0.1)
        self.assertAlmostEqual(per_question, 0.01)

    def test_a_prediction_without_measured_numbers_names_those_that_it_needs(self):
        command = [sys.executable, str(REPOSITORY / "Benchmarks" / "scaling"), "predict", "--file", "/nowhere/scaling.json"]
        missing = subprocess.run([*command, "--fixed", "1"], capture_output=True, text=True)
        self.assertNotEqual(missing.returncode, 0)
        self.assertIn("--per-question", missing.stderr)
        numbers = [word for field in dataclasses.fields(self.costs) for word in
                   ("--" + field.name.replace("_", "-"), str(getattr(self.costs, field.name)))]
        table = subprocess.run([*command, *numbers, "--processes", "1,2", "--each", "2"], capture_output=True, text=True)
        self.assertIn("| 2 | 1 | 0.42 s | 0.131 s | 0.551 s |", table.stdout)


class ReportTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / "results.json"

    def measured(self, seconds):
        return quietly(measure, row(printing(seconds=seconds), printing(seconds=4)), 1)

    def test_rows_are_put_beside_those_of_the_file_and_pairs_behind_them(self):
        for key, seconds, add in (("one", 1, False), ("other", 2, False), ("one", 4, True), ("other", 3, False)):
            results = report.read(self.file, SETTINGS)
            report.put(results, key, self.measured(seconds), add=add)
            report.write(self.file, results)
        rows = report.read(self.file)["rows"]
        self.assertEqual(rows["one"]["ours"]["seconds"], [1, 4])
        self.assertEqual(rows["other"]["ours"]["seconds"], [3])
        self.assertIn("2.5 (1 to 4)", report.table(report.read(self.file)))

    def test_a_file_of_other_settings_is_refused(self):
        report.write(self.file, {**SETTINGS, "rows": {}})
        with self.assertRaisesRegex(Failure, "expected figures with threads 1, found 2"):
            report.read(self.file, {**SETTINGS, "threads": 1})

    def test_a_row_without_a_peer_has_empty_cells(self):
        measured = quietly(measure, row(printing(seconds=1), []), 1, with_peer=False)
        self.assertIn("| work | 1 s  |      |", report.table({**SETTINGS, "rows": {"one": measured}}))


class CommandTests(unittest.TestCase):
    def bench(self, *arguments, **environment):
        return subprocess.run([sys.executable, str(BENCH), *arguments], capture_output=True, text=True,
                              env={**os.environ, **environment})

    def test_a_python_without_torch_is_named_and_nothing_is_measured(self):
        with tempfile.TemporaryDirectory() as folder:
            python = Path(folder) / "python3"
            python.write_text("#!/bin/sh\necho torch 2.1.0; echo numpy none\n")
            python.chmod(0o755)
            result = self.bench("--json", f"{folder}/results.json", RWSAN_PYTHON=str(python))
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("torch 2.11.0 (found 2.1.0) and numpy (found none)", result.stderr)
        self.assertEqual(result.stdout, "")

    def test_an_unknown_row_is_refused(self):
        result = self.bench("--only", "training,speed")
        self.assertEqual(result.returncode, 2)
        self.assertIn("found speed", result.stderr)


class PeerTests(unittest.TestCase):
    def test_the_metric_gives_the_official_figures(self):
        folder = FIXTURES / "metric"
        annotations, questions, results, expected = (
            json.loads((folder / f"{name}.json").read_text())
            for name in ("annotations", "questions", "results", "expected"))
        truth = official_metric.VQA(annotations["annotations"], questions["questions"])
        accuracy, evaluated = official_metric.evaluate(
            truth, truth.load_results(results, folder / "questions.json"))
        self.assertEqual(accuracy, expected["accuracy"])
        self.assertEqual({str(key): value for key, value in evaluated.items()}, expected["evalQA"])

    def test_the_loader_numbers_words_and_answers_as_the_official_release(self):
        try:
            import official_loader
        except ImportError as error:
            self.skipTest(str(error))
        folder, mini = FIXTURES / "mini" / "datasets" / "vqa", FIXTURES / "mini"
        questions = official_loader.read(
            folder, official_loader.QUESTIONS, ["train", "val", "test", "vg"], "questions")
        words = official_loader.number_words(questions)
        self.assertEqual(words, json.loads((mini / "expected" / "tokens.json").read_text()))
        annotations = official_loader.read(folder, official_loader.ANNOTATIONS, ["train", "val"], "annotations")
        answers = official_loader.number_answers(annotations)
        self.assertEqual(answers, json.loads((mini / "answer_dict.json").read_text())[0])


class GeneratedDataTests(unittest.TestCase):
    def test_questions_and_annotations_belong_together_and_are_the_same_each_time(self):
        with tempfile.TemporaryDirectory() as folder:
            results = [make_vqav2_scale.write_split(Path(folder), "val", 300, make_vqav2_scale.Wording(0.01))
                       for _ in range(2)]
            questions, annotations = (
                json.loads((Path(folder) / f"v2_{name}.json").read_text())
                for name in ("OpenEnded_mscoco_val2014_questions", "mscoco_val2014_annotations"))
        self.assertEqual(results[0], results[1])
        numbers = [one["question_id"] for one in questions["questions"]]
        self.assertEqual(len(set(numbers)), 300)
        self.assertEqual(numbers, [one["question_id"] for one in annotations["annotations"]])
        self.assertEqual(numbers, [one["question_id"] for one in results[0]])
        self.assertEqual({len(one["answers"]) for one in annotations["annotations"]}, {10})

    def test_an_image_s_features_have_10_to_100_regions_and_an_official_form(self):
        try:
            import numpy
        except ImportError as error:
            self.skipTest(str(error))
        arrays = numpy.load(io.BytesIO(make_features.Features().image()))
        count = int(arrays["num_bbox"])
        self.assertTrue(10 <= count <= 100)
        self.assertEqual(arrays["x"].shape, (2048, count))
        self.assertEqual(arrays["bbox"].shape, (count, 4))
        self.assertTrue((arrays["x"] >= 0).all())


if __name__ == "__main__":
    unittest.main()
