"""Makes statistics.json: calibration and paired bootstrap of made-up answers, computed with numpy alone.

    python3 Tests/Fixtures/reports/generate.py

The bootstrap is made twice: with the counted random numbers that the package has (SplitMix64), whose figures have to come
out the same, and with numpy's own generator, which they have to be near to.
"""

import json
import pathlib

import numpy

BINS = 15
SEED = 20220511


def calibration(confidence, accuracy):
    """The expected calibration error, and the bins: (a, b], and in the first one 0 too."""
    edges = numpy.linspace(0, 1, BINS + 1)
    bins, error = [], 0.0
    for index in range(BINS):
        inside = (confidence > edges[index]) & (confidence <= edges[index + 1])
        if index == 0:
            inside |= confidence == 0
        count = int(inside.sum())
        mean_confidence = float(confidence[inside].mean()) if count else 0.0
        mean_accuracy = float(accuracy[inside].mean()) if count else 0.0
        bins.append({"questions": count, "confidence": mean_confidence, "accuracy": mean_accuracy})
        error += count / len(confidence) * abs(mean_accuracy - mean_confidence)
    return error, bins


def counted(start, count, below):
    """The numbers `start` to `start + count` of SplitMix64, below a number."""
    numbers = (numpy.arange(start + 1, start + count + 1, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)
               + numpy.uint64(SEED))
    numbers = (numbers ^ (numbers >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    numbers ^= numbers >> numpy.uint64(31)
    # The upper half of the product of 128 bits.
    return numpy.array([int(number) * below >> 64 for number in numbers])


def bootstrap(differences, draw, resamples):
    count = len(differences)
    means = numpy.array([differences[draw(index, count)].mean() for index in range(resamples)])
    low, high = numpy.percentile(means, [2.5, 97.5])
    rarer = min((means <= 0).sum(), (means >= 0).sum())
    return {
        "difference": float(differences.mean()), "low": float(low), "high": float(high),
        "p_value": float(min(1.0, 2 * (1 + rarer) / (resamples + 1))),
    }


def main():
    generator = numpy.random.default_rng(1)
    confidence = numpy.concatenate([generator.beta(4, 2, 300), [0.0, 1.0, 0.2, 0.4, 1 / 15, 2 / 15]])
    # Accuracies as VQA's are, and answers that are too sure of themselves.
    accuracy = numpy.where(
        generator.random(len(confidence)) < confidence * 0.8, generator.choice([0.3, 0.6, 0.9, 1.0], len(confidence)), 0.0)
    error, bins = calibration(confidence, accuracy)
    cases = []
    for shift, count in [(0.0, 60), (0.15, 200), (-0.4, 90)]:
        differences = generator.choice([-100.0, -30.0, 0.0, 30.0, 100.0], count) + 100 * shift
        resamples = 2000
        cases.append({
            "differences": differences.tolist(), "resamples": resamples,
            "counted": bootstrap(differences, lambda i, n: counted(i * n, n, n), resamples),
            "numpy": bootstrap(differences, lambda i, n: generator.integers(0, n, n), 20000),
        })
    result = {
        "confidence": confidence.tolist(), "accuracy": accuracy.tolist(), "expected_calibration_error": error,
        "mean_confidence": float(confidence.mean()), "bins": bins, "bootstraps": cases,
    }
    path = pathlib.Path(__file__).parent / "statistics.json"
    path.write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
