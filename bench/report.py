"""The results of a run as aligned text, Markdown, JSON and records.

It does not depend on how they were measured.
"""

import json
import math
from dataclasses import asdict, dataclass, field

from bench.data import PAGES
from bench.tasks import TASKS

TITLES = {
    "fit": "Full fit: tol=0, same initial centers, same number of iterations",
    "algorithms": "Algorithms: full fits to convergence by each, and the share of all distances "
    "that it looked at",
    "wide": "Wide rows, many clusters: five iterations (from the same centers where a peer takes "
    "any)",
    "wide-full": "Wide rows, many clusters: the other cells",
    "assign": "One iteration: assign, update, assign",
    "init": "Initial centers by k-means++",
    "predict": "Predict: labels of rows for given centers",
    "transform": "Transform: distances of rows to every center",
    "small": "Small work: fits from own k-means++ (s1-like: best of 10 restarts), predict of one "
    "row",
    "memory": "Peak memory of five iterations, beyond X itself, in a fresh process",
}
LEAST_MEMORY = 1 << 20  # bytes; ratios of less would compare noise
MOST_TAKEN = 0.1  # CPUs taken by others: above, a machine is busy and figures mean little


@dataclass
class Run:
    """Everything that the reports are made from."""

    machine: dict
    settings: dict
    peers: dict  # name -> facts from the worker
    missing: list  # lines about peers and data that are not available
    results: list = field(default_factory=list)

    def rows(self, page):
        """The results of a page, cell by cell: a dict of peer to result for each."""
        rows = {}
        for result in self.results:
            if result.cell.page == page:
                rows.setdefault(result.cell, {})[result.peer] = result
        return rows

    def pages(self):
        return [page for page in PAGES if self.rows(page)]

    def columns(self, page):
        """The peers with results on the page, in the run's order."""
        return [peer for peer in self.peers if any(peer in row for row in self.rows(page).values())]


# --- figures --------------------------------------------------------------------------------------


def ratio(result, reference):
    """How many times the reference's time (or memory) a peer needed.

    None unless both were measured.
    """
    if not (result and reference and result.samples and reference.samples):
        return None
    least = LEAST_MEMORY if result.cell.page == "memory" else 1e-9
    return max(result.median, least) / max(reference.median, least)


def lead(row, reference):
    """The ratio of the best other peer whose value agrees, or None."""
    ratios = [
        ratio(result, row.get(reference))
        for peer, result in row.items()
        if peer != reference and result.agrees
    ]
    return min((r for r in ratios if r is not None), default=None)


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def means(run, page, reference):
    """Each peer's ratio to the reference in the geometric mean over the cells where both count."""
    found = {}
    for peer in run.columns(page):
        ratios = [
            ratio(row.get(peer), row.get(reference))
            for row in run.rows(page).values()
            if peer != reference and peer in row and row[peer].agrees
        ]
        ratios = [r for r in ratios if r is not None]
        if ratios:
            found[peer] = geometric_mean(ratios)
    return found


def summary(run, page):
    """A few sentences: in how many cells the first peer is the best, and by how much."""
    reference = run.columns(page)[0]
    leads = {cell: lead(row, reference) for cell, row in run.rows(page).items()}
    leads = {cell: value for cell, value in leads.items() if value is not None}
    if not leads:
        return []
    first = sum(value >= 1 for value in leads.values())
    worst = min(leads, key=leads.get)
    need, noun = ("needs the least", "memory") if page == "memory" else ("is the fastest", "time")
    lines = [
        f"{reference} {need} in {first} of {len(leads)} cells. The best other peer's {noun} "
        "is "
        f"{times(geometric_mean(leads.values()))} that of {reference} in the geometric mean, "
        f"{times(leads[worst])} at the least ({worst.name})."
    ]
    each = ", ".join(
        f"{peer} {times(value)}" for peer, value in means(run, page, reference).items()
    )
    lines.append(f"Each peer's {noun}, geometric mean: {each}.")
    shorter = [
        f"{result.peer} {times(ratio(result, row[reference]))} ({cell.name})"
        for cell, row in run.rows(page).items()
        for result in row.values()
        if not result.agrees and (ratio(result, row.get(reference)) or 1) < 1
    ]
    if shorter:
        lines.append(
            f"Less than {reference} needs, but not counted because the result is another: "
            + ", ".join(shorter)
            + "."
        )
    return lines


# --- words ----------------------------------------------------------------------------------------


def times(value):
    """A ratio with two or three significant digits."""
    return (
        f"{value:.0f}x" if value >= 100 else f"{value:.1f}x" if value >= 9.95 else f"{value:.2f}x"
    )


def seconds(value):
    """Three significant digits with a fitting unit."""
    for unit, scale in (("s", 1), ("ms", 1e3), ("us", 1e6)):
        if value * scale >= 0.9995 or unit == "us":
            return f"{_three(value * scale)} {unit}"


def megabytes(value):
    return f"{_three(value / 1e6)} MB"


def _three(value):
    """Three significant digits, or more if there are more before the point."""
    digits = max(0, 2 - math.floor(math.log10(value))) if value >= 0.01 else 2
    text = f"{value:.{digits}f}"
    return (
        text
        if len(text.replace(".", "").lstrip("0")) <= 3 or digits == 0
        else f"{value:.{digits - 1}f}"
    )


def figure(result, reference):
    """One entry of a table: the median and its marks, or a dash."""
    if result is None or not result.samples:
        return "-"
    text = megabytes(result.median) if result.cell.page == "memory" else seconds(result.median)
    if result.share is not None:
        text = f"{text} {result.share:.3f}"
    return text + marks(result, reference)


def marks(result, reference):
    """``!``: the value does not agree; ``~``: another number of iterations."""
    other = (
        result.cell.task in ("fit", "algorithms")
        and reference
        and None not in (result.n_iter, reference.n_iter)
        and result.n_iter != reference.n_iter
    )
    return ("!" if not result.agrees else "") + ("~" if other else "")


def table(run, page):
    """Header and lines of a page's table, all of them text.

    The first column is to be aligned left.
    """
    peers = run.columns(page)
    rows = run.rows(page)
    iterates = any(TASKS[cell.task].iterates for cell in rows) and page != "memory"
    header = ["data", "n", "d", "k", "dtype", *(["iter"] if iterates else []), *peers, "lead"]
    lines = []
    for cell, row in rows.items():
        reference = row.get(peers[0])
        iterations = str(reference.n_iter) if reference and reference.n_iter else "-"
        ahead = lead(row, peers[0])
        lines.append(
            [
                cell.label,
                str(cell.n),
                str(cell.d),
                str(cell.k),
                cell.dtype,
                *([iterations] if iterates else []),
                *(figure(row.get(peer), reference) for peer in peers),
                "-" if ahead is None else times(ahead),
            ]
        )
    return header, lines


def remarks(run, page):
    """Notes for readers of a page's table."""
    results = [result for row in run.rows(page).values() for result in row.values()]
    reference = run.columns(page)[0]
    first = {cell: row.get(reference) for cell, row in run.rows(page).items()}
    lines = list(summary(run, page))
    if any(lead(row, reference) is not None for row in run.rows(page).values()):
        lines.append(
            f"lead: the best other peer's figure divided by {reference}'s; more than 1 "
            "means that "
            f"{reference} is ahead."
        )
    if any(result.share is not None for result in results):
        lines.append(
            "Behind each time: distances looked at, beside one for every row, center and iteration."
        )
    used = {
        mark for result in results if result.samples for mark in marks(result, first[result.cell])
    }
    if "!" in used:
        lines.append(
            "!: the result does not agree with the first peer's (relative 1e-6 for "
            "float64, 1e-4 "
            "for float32): shown, but not counted."
        )
    elif all(TASKS[result.cell.task].same for result in results) and len(run.columns(page)) > 1:
        what = "sums of distances" if page == "transform" else "inertias"
        lines.append(f"All {what} agree (relative 1e-6 for float64, 1e-4 for float32).")
    for cell, row in run.rows(page).items():
        if cell.task == "wide":
            values = ", ".join(
                f"{peer} {result.value:.6g}" for peer, result in row.items() if result.samples
            )
            lines.append(f"   inertias of {cell.name}: {values}")
    if "~" in used:
        lines.append("~: the peer stopped after another number of iterations.")
    for result in results:
        if result.samples and not result.agrees:
            values = [other.value for other in run.rows(page)[result.cell].values()]
            standard = next(value for value in values if value is not None)
            lines.append(
                f"   {result.cell.name}: {result.peer} {result.value / standard - 1:+.1e}"
                + (f", {result.n_iter} iterations" if result.n_iter else "")
            )
        elif result.note and not result.note.startswith("no "):
            lines.append(f"   {result.cell.name}: {result.peer} {result.note}")
    return lines


def is_busy(machine):
    return (machine.get("cpus_taken_by_others") or 0) > MOST_TAKEN


def busy(run):
    """Whether other processes took so much CPU time that the figures are unreliable."""
    return is_busy(run.machine)


def heading(run):
    """CPU, threads, versions: the lines that every report begins with."""
    machine = run.machine
    lines = [
        f"{machine['cpu']}, {machine['cpus']} CPUs, {machine['threads']} "
        f"{'thread' if machine['threads'] == 1 else 'threads'}; {machine['system']}; "
        f"{machine['date']}",
        f"Python {machine['python']}, numpy {machine['numpy']}; "
        + ", ".join(
            f"{name} = {about['distribution']} {about['version']}"
            for name, about in run.peers.items()
        ),
    ]
    lines += [
        f"{name}: instruction set {about['isa']}"
        for name, about in run.peers.items()
        if "isa" in about
    ]
    if busy(run):
        lines.append(
            f"Other processes kept {machine['cpus_taken_by_others']:.2g} CPUs busy "
            "meanwhile: "
            "do not trust these figures."
        )
    lines += [f"not measured: {line}" for line in run.missing]
    return lines


# --- renderings -----------------------------------------------------------------------------------


def aligned(header, lines):
    """A table for people: the first column to the left, all others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *lines)]

    def line(words):
        others = [word.rjust(width) for word, width in zip(words[1:], widths[1:])]
        return "  ".join([words[0].ljust(widths[0]), *others])

    return [line(header), "  ".join("-" * width for width in widths), *map(line, lines)]


def text(run):
    """The whole report as it is printed."""
    parts = ["\n".join(heading(run))]
    for page in run.pages():
        parts.append(
            "\n".join([TITLES[page], "", *aligned(*table(run, page)), "", *remarks(run, page)])
        )
    return "\n\n\n".join(parts) + "\n"


def markdown(run):
    """The whole report with GitHub's tables."""
    parts = ["\n".join(f"* {line}" for line in heading(run))]
    for page in run.pages():
        header, lines = table(run, page)
        rows = [header, ["---", *["---:"] * (len(header) - 1)], *lines]
        parts.append(
            "\n".join(
                [
                    f"### {TITLES[page]}",
                    "",
                    *("| " + " | ".join(row) + " |" for row in rows),
                    "",
                    *(f"* {line.strip()}" for line in remarks(run, page)),
                ]
            )
        )
    return "\n\n".join(parts) + "\n"


def record(result, reference):
    """One result as a flat dict, for CSV and JSON."""
    cell = asdict(result.cell)
    del cell["quick"]
    return {
        **cell,
        "cell": result.cell.name,
        "peer": result.peer,
        "unit": "bytes" if result.cell.page == "memory" else "seconds",
        "median": result.median,
        "ratio": ratio(result, reference),
        "n_iter": result.n_iter,
        "value": result.value,
        "share": result.share,
        "agrees": result.agrees,
        "note": result.note,
        "samples": result.samples,
    }


def records(run):
    return [
        record(result, row.get(run.columns(page)[0]))
        for page in run.pages()
        for row in run.rows(page).values()
        for result in row.values()
    ]


def as_json(run):
    return (
        json.dumps(
            {
                "machine": run.machine,
                "settings": run.settings,
                "peers": run.peers,
                "not_measured": run.missing,
                "results": records(run),
            },
            indent=1,
        )
        + "\n"
    )
