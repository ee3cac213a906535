"""A run's report in a folder: text, Markdown, JSON, CSV, and pictures where matplotlib is there."""

import csv
from pathlib import Path

from bench import report


def write_csv(run, path):
    """A line per peer and cell; the samples are left to the JSON file."""
    rows = [
        {key: value for key, value in row.items() if key != "samples"}
        for row in report.records(run)
    ]
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def write(run, folder):
    """Write ``bench.txt``, ``.md``, ``.csv``, ``.json`` and a picture per page; return their
    names.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.txt").write_text(report.text(run), encoding="utf-8")
    (folder / "bench.md").write_text(report.markdown(run), encoding="utf-8")
    (folder / "bench.json").write_text(report.as_json(run), encoding="utf-8")
    write_csv(run, folder / "bench.csv")
    written = ["bench.txt", "bench.md", "bench.csv", "bench.json"]
    try:
        from bench.picture import draw

        written += [
            f"{page}.png" for page in run.pages() if draw(run, page, folder / f"{page}.png")
        ]
    except ImportError:
        written.append("no pictures: matplotlib is not installed (pip install matplotlib)")
    return written
