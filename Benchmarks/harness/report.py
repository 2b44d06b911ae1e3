"""Figures in a file, and as a table."""
import json
import statistics

from harness.measuring import Failure
from harness.rows import KEYS

COLUMNS = ("", "ours", "peer", "ratio, pair by pair", "peak MiB, ours", "peer", "the limit", "ours to the limit")


def read(path, settings=None):
    """The figures of a file; with settings, those of a new file where there is none.

    Raises Failure where the file was measured with other settings, since one table has one machine.
    """
    if not path.exists():
        if settings is None:
            raise Failure(f"{path}: expected figures, found no file")
        return {**settings, "rows": {}}
    try:
        results = json.loads(path.read_text())
    except ValueError as error:
        raise Failure(f"{path}: expected figures, found no JSON: {error}")
    for name, value in (settings or {}).items():
        if results.get(name) != value:
            raise Failure(f"{path}: expected figures with {name} {value}, found {results.get(name)}; "
                          "--json names another file")
    return results


def write(path, results):
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(results, indent=1) + "\n")
    partial.rename(path)


def put(results, key, measured, add=False):
    """Puts a row in its place; with `add`, behind the pairs that are there already."""
    before = results["rows"].get(key)
    if add and before:
        for side in ("ours", "peer", "limit"):
            if (side in before) != (side in measured):
                raise Failure(f"--add: expected {key} with and without {side} alike")
            if side in measured:
                measured[side]["seconds"] = before[side]["seconds"] + measured[side]["seconds"]
                measured[side]["peak_mib"] = max(before[side]["peak_mib"], measured[side]["peak_mib"])
    results["rows"][key] = measured


def spread(values, digits=3):
    """The median, and in brackets the smallest and the largest."""
    texts = [f"{value:.{digits}g}" for value in (statistics.median(values), min(values), max(values))]
    return f"{texts[0]} ({texts[1]} to {texts[2]})" if len(values) > 1 else texts[0]


def line(row):
    """The cells of a row; a side that was not run is left empty."""
    def seconds(side):
        return spread(row[side]["seconds"]) + " s" if side in row else ""

    def ratio(one, other):
        pairs = zip(row[one]["seconds"], row[other]["seconds"])
        return spread([a / b for a, b in pairs])

    def peak(side):
        return f"{row[side]['peak_mib']:,}" if side in row else ""

    return (row["title"], seconds("ours"), seconds("peer"), ratio("peer", "ours") if "peer" in row else "",
            peak("ours"), peak("peer"), seconds("limit"), ratio("ours", "limit") if "limit" in row else "")


def table(results):
    """All rows as a Markdown table in their usual order, under what they were measured on."""
    keys = sorted(results["rows"], key=lambda key: KEYS.index(key) if key in KEYS else len(KEYS))
    lines = [COLUMNS, *(line(results["rows"][key]) for key in keys)]
    widths = [max(len(cells[column]) for cells in lines) for column in range(len(COLUMNS))]
    texts = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |" for cells in lines]
    texts.insert(1, "| " + " | ".join("-" * max(3, width) for width in widths) + " |")
    dates = sorted({row["date"] for row in results["rows"].values()})
    title = (f"{results['machine']}; {results['device']}, {results['threads']} threads, scale {results['scale']:g}; "
             + " and ".join(dates))
    return "\n".join([title, "", *texts])
