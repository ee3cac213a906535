"""Results of releases, kept as JSON in ``bench/releases``: what became slower between two of them.

``python -m bench compare A B``; A and B are versions, JSON files or folders of results. The page of
benchmarks on the site draws all of them.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

from bench.report import LEAST_MEMORY, as_json, geometric_mean, is_busy

FOLDER = Path(__file__).with_name("releases")
SLOWER = 1.1  # times the median from which on a cell counts as slower, or as taking more
#: Facts of a machine without which two files do not compare.
SAME = ("cpu", "cpus", "threads")


def find(name):
    """The file of a version, a path or a folder of results."""
    for path in (Path(name), Path(name, "bench.json"), FOLDER / f"{name}.json"):
        if path.is_file():
            return path
    known = ", ".join(path.stem for path in sorted(FOLDER.glob("*.json"))) or "none"
    raise FileNotFoundError(
        f"{name}: no such file, folder of results or release (releases: {known})"
    )


def load(path, peer="ckmeans"):
    """A file's machine, version of `peer`, and its samples: cell -> (unit, list of numbers)."""
    run = json.loads(Path(path).read_text("utf-8"))
    cells = {
        row["cell"]: (row["unit"], row["samples"])
        for row in run["results"]
        if row["peer"] == peer and row["samples"]
    }
    return run["machine"], run["peers"][peer]["version"], cells


def save(run, version):
    """Keep a run as that of a release; returns the path."""
    path = FOLDER / f"{version}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(as_json(run), encoding="utf-8")
    return path


def marks(machine):
    """Remarks about the machine of a file's measurements."""
    taken = machine.get("cpus_taken_by_others")
    if taken is None:
        return "whether it was busy is not known"
    return f"{taken:.2g} CPUs taken by others" + (
        ", BUSY: do not trust it" if is_busy(machine) else ""
    )


def change(unit, before, after):
    """The ratio of the later figure to the earlier one, and whether it is certainly worse.

    Worse: the median by `SLOWER`, and even the best of the later samples above the earlier median.
    """
    first, second = statistics.median(before), statistics.median(after)
    if unit == "bytes":
        first, second = max(first, LEAST_MEMORY), max(second, LEAST_MEMORY)
        return second / first, second > SLOWER * first
    return second / first, second > SLOWER * first and min(after) > first


def compare(first, second):
    """Lines on two files, and whether something became worse: True, False, or None if unknown."""
    (machine, version, cells), (machine2, version2, cells2) = load(first), load(second)
    lines = [f"A: {version}, {machine['date']}, {machine['cpu']}, {marks(machine)}"]
    lines += [f"B: {version2}, {machine2['date']}, {machine2['cpu']}, {marks(machine2)}"]
    differ = [fact for fact in SAME if machine.get(fact) != machine2.get(fact)]
    busy = is_busy(machine) or is_busy(machine2)
    if differ:
        lines.append(f"not comparable: the machines differ in {', '.join(differ)}")
    if busy:
        lines.append("not comparable: measured on a busy machine")
    both = [cell for cell in cells if cell in cells2]
    if not both:
        return [*lines, "no cell is in both"], None
    worse, ratios = [], {"seconds": [], "bytes": []}
    width = max(map(len, both))
    for cell in both:
        unit, before = cells[cell]
        ratio, is_worse = change(unit, before, cells2[cell][1])
        ratios[unit].append(ratio)
        word = {"seconds": "slower", "bytes": "more memory"}[unit] if is_worse else ""
        lines.append(f"{cell:{width}}  {ratio:5.2f}x  {word}".rstrip())
        worse += [cell] * is_worse
    for unit, what in (("seconds", "time"), ("bytes", "memory")):
        if ratios[unit]:
            mean = geometric_mean(ratios[unit])
            lines.append(f"{what}: {mean:.2f}x in the geometric mean of {len(ratios[unit])} cells")
    for name, one, other in (("A", cells, cells2), ("B", cells2, cells)):
        missing = [cell for cell in one if cell not in other]
        if missing:
            lines.append(f"only in {name}: {', '.join(missing)}")
    lines.append(f"worse: {', '.join(worse) or 'nothing'}")
    return lines, None if differ or busy else bool(worse)


def main(argv):
    parser = argparse.ArgumentParser(
        prog="python -m bench compare",
        description="Show what became slower, or takes more memory, from A to B.",
        epilog="exit codes: 0 nothing is worse, 1 something is, 2 an error, 3 the two do not "
        "compare (other machines, or a busy one)",
    )
    for name in "AB":
        parser.add_argument(name, help="a release, a JSON file, or a folder of results")
    args = parser.parse_args(argv)
    try:
        lines, worse = compare(find(args.A), find(args.B))
    except (OSError, ValueError, KeyError) as error:
        print(f"python -m bench compare: {error}", file=sys.stderr)
        return 2
    print("\n".join(lines))
    return {True: 1, False: 0, None: 3}[worse]


def draw(path):
    """Write a picture of all releases: each cell's figure beside that of the first release that has
    it, geometric mean per release as a line.
    """
    from matplotlib.figure import Figure

    found = [load(file) for file in sorted(FOLDER.glob("*.json"), key=order)]
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    for ax, unit, what in zip(
        figure.subplots(1, 2), ("seconds", "bytes"), ("time", "memory beyond X"), strict=True
    ):
        first, means = {}, []
        for number, (_, _, cells) in enumerate(found):
            ratios = []
            for cell, (kind, samples) in cells.items():
                if kind == unit:
                    figures = max(statistics.median(samples), LEAST_MEMORY * (unit == "bytes"))
                    ratios.append(figures / first.setdefault(cell, figures))
            ax.plot([number] * len(ratios), ratios, "_", color="#0072B2", markersize=12)
            means.append(geometric_mean(ratios) if ratios else None)
        ax.plot(range(len(found)), means, "o-", color="#D55E00")
        ax.set(
            title=f"{what}, relative to the first", ylim=(0, None), xlim=(-0.5, len(found) - 0.5)
        )
        ax.set_xticks(
            range(len(found)),
            [
                version + ("\n(busy machine)" if is_busy(machine) else "")
                for machine, version, _ in found
            ],
        )
    figure.savefig(path)


def order(path):
    """Releases by version, 0.10 after 0.9."""
    return [int(word) if word.isdigit() else -1 for word in path.stem.split(".")]


def table():
    """A list of rows for all releases: version, date, CPU, threads, load, cells, geometric mean of
    the time of a cell in seconds.
    """
    rows = []
    for file in sorted(FOLDER.glob("*.json"), key=order):
        machine, version, cells = load(file)
        seconds = [statistics.median(s) for unit, s in cells.values() if unit == "seconds"]
        mean = f"{1000 * geometric_mean(seconds):.3g} ms" if seconds else "-"
        rows.append(
            [
                version,
                machine["date"][:10],
                machine["cpu"],
                str(machine["threads"]),
                marks(machine),
                str(len(cells)),
                mean,
            ]
        )
    return rows
