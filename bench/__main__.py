"""The command: ``python -m bench --help``."""

import argparse
import sys
import time
from dataclasses import asdict

from bench import data, files, machine, releases, report
from bench.peers import PEERS
from bench.runner import Runner, Settings

QUICK = {"repeat": 3, "budget": 1.0, "limit": 6.0, "deadline": 95.0, "rivals": False}


def arguments(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Compare ckmeans with the k-means libraries that are installed.",
        epilog="`python -m bench compare A B` shows what got slower from one release to another.",
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="a small choice of cells, in less than two minutes")
    add(
        "--pages",
        type=words(data.PAGES),
        metavar="A,B",
        help="what to measure: " + ", ".join(data.PAGES),
    )
    add(
        "--cells",
        type=lambda text: text.split(","),
        metavar="PATTERN",
        help="cells whose name contains this, or matches it if it has a wildcard; several with "
        "commas",
    )
    add(
        "--peers",
        type=words(PEERS),
        metavar="A,B",
        default=list(PEERS),
        help="libraries to compare, the first is the one that others are compared with: "
        + ", ".join(PEERS),
    )
    add(
        "--threads",
        type=positive,
        metavar="N",
        default=machine.cpu_count(),
        help="threads for every peer (default: all CPUs)",
    )
    add(
        "--repeat",
        type=positive,
        metavar="N",
        help="rounds over the peers; figures are medians (default: 5)",
    )
    add(
        "--data",
        metavar="DIR",
        help="a folder of further data sets: .csv, .tsv, .txt (also .gz) or .npy",
    )
    add(
        "--out",
        metavar="DIR",
        default="bench/results",
        help="where the reports go (default: %(default)s)",
    )
    add(
        "--save",
        metavar="VERSION",
        help="keep the JSON as bench/releases/VERSION.json, for `python -m bench compare`",
    )
    add(
        "--busy",
        action="store_true",
        help="measure even if other processes take CPU time; the report is marked",
    )
    add(
        "--list",
        action="store_true",
        help="print the names of the cells and peers, and measure nothing",
    )
    return parser.parse_args(argv)


def words(known):
    """A parser for comma-separated names out of `known`."""

    def parse(text):
        chosen = text.split(",")
        unknown = [word for word in chosen if word not in known]
        if unknown:
            raise argparse.ArgumentTypeError(
                f"unknown: {', '.join(unknown)}; choose from {', '.join(known)}"
            )
        return chosen

    return parse


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is less than 1")
    return value


def progress(number, cells, cell, results, began):
    """Print a line for each cell, as a sign of progress."""
    figures = "  ".join(f"{result.peer} {report.figure(result, results[0])}" for result in results)
    notes = "".join(
        f"\n    {result.peer} {result.note}" for result in results if "failed" in result.note
    )
    print(
        f"[{number}/{len(cells)}, {time.monotonic() - began:.0f} s] {cell.name}  {figures}{notes}",
        file=sys.stderr,
        flush=True,
    )


def main(argv=None):
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["compare"]:
        return releases.main(argv[1:])
    args = arguments(argv)
    sources, missing = data.real_sources(args.data)
    cells = data.select(data.grid(sources), args.pages, args.cells, args.quick)
    if args.list:
        for name, peer in PEERS.items():
            print(
                f"peer {name}: {peer.distribution}, "
                f"{'installed' if peer.installed else 'not installed'}"
            )
        print(*missing, *(cell.name for cell in cells), sep="\n")
        return 0
    if not cells:
        print("python -m bench: no cell has such a name; see --list", file=sys.stderr)
        return 2

    taken = machine.taken_now()
    if taken is not None and taken > report.MOST_TAKEN and not args.busy:
        print(
            f"python -m bench: other processes take {taken:.2g} CPUs, and times measured beside "
            "them mean little. Wait until they have ended, or measure all the same with --busy: "
            "the report will be marked.",
            file=sys.stderr,
        )
        return 3

    began = time.monotonic()
    chosen = dict(QUICK) if args.quick else {}
    if args.repeat:
        chosen["repeat"] = args.repeat
    settings = Settings(threads=args.threads, **chosen)
    neighbors = machine.Neighbors()
    with Runner(args.peers, settings) as runner:
        if not runner.names:
            print(
                "python -m bench: none of the peers can be used",
                *runner.missing,
                sep="\n  ",
                file=sys.stderr,
            )
            return 2
        run = report.Run(
            machine.describe(args.threads), asdict(settings), runner.about, runner.missing + missing
        )
        try:
            for number, cell in enumerate(cells, 1):
                if settings.deadline and time.monotonic() - began > settings.deadline:
                    left = len(cells) - number + 1
                    run.missing.append(
                        f"{left} of {len(cells)} cells, from {cell.name} on: time was up"
                    )
                    break
                results = runner.run(cell, sources)
                run.results += results
                progress(number, cells, cell, results, began)
        except KeyboardInterrupt:
            print("stopped: the report is about the cells so far", file=sys.stderr)
    if not run.results:
        return 130
    run.machine["cpus_taken_by_others"] = neighbors.cpus_taken()
    print(report.text(run))
    print(f"{args.out}:", ", ".join(files.write(run, args.out)))
    if args.save:
        print(releases.save(run, args.save))
    return 0


if __name__ == "__main__":
    sys.exit(main())
