"""The examples (``>>>``) and commands (``$``) in the README and the pages of the site, run in their
order.

    python tests/pages.py --check            which pages show something else than what happens
    python tests/pages.py --write [PAGE...]  have them show it: after a change of what is printed

Outputs are compared as doctests are: blanks are alike, and ``...`` stands for anything.
"""

import argparse
import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import ckmeans
from ckmeans.cli import main as run_ckmeans

TOP = Path(__file__).resolve().parents[1]
README = TOP / "README.md"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
PAGES = [README, *sorted(TOP.glob("docs/*.md")), *sorted(TOP.glob("docs/[!_]*/*.md"))]
EXAMPLES = re.compile(r"^```python\n(?=>>>)(.*?)^```", re.S | re.M)
COMMANDS = re.compile(r"^```console\n(.*?)^```", re.S | re.M)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.M)
SHELL = re.compile("[|<>;&$*]")


def pages():
    """The pages with examples or commands, by name."""
    found = {}
    for page in PAGES:
        text = page.read_text("utf-8") if page.exists() else ""
        if EXAMPLES.search(text) or COMMANDS.search(text):
            found[page.relative_to(TOP).as_posix()] = page
    return found


def as_shown(wanted, said):
    """The output that a page should show: the present one if it matches the true output."""
    if doctest.OutputChecker().check_output(wanted, said, FLAGS):
        return wanted
    said = re.sub(r"^(time +)\S.*$", r"\1...", said, flags=re.M)
    return said if said.endswith("\n") or not said else said + "\n"


def run_example(source, names):
    """The output of a Python example."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        try:
            exec(compile(source, "<example>", "single"), names)
        except Exception as error:
            last = "".join(traceback.format_exception_only(error))
            said.write(f"Traceback (most recent call last):\n    ...\n{last}")
    return re.sub(r"^[ \t]*$(?=\n)", "<BLANKLINE>", said.getvalue(), flags=re.M)


def run_here(command):
    """A call of ckmeans that needs no shell: in this process, which is faster."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = run_ckmeans(shlex.split(command)[1:])
    return code, said.getvalue()


def run_in_shell(command, tools):
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    environment["PYTHONPATH"] = str(Path(ckmeans.__file__).parents[1])
    done = subprocess.run(
        ["bash", "-c", command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


def run_command(command, tools):
    """The output of a shell command, and its exit code unless that is 0."""
    simple = command.startswith("ckmeans ") and not SHELL.search(command)
    code, said = run_here(command) if simple else run_in_shell(command, tools)
    return said + f"[exit code {code}]\n" * bool(code)


def make_tools(folder):
    """The commands `ckmeans` and `python` of this interpreter, for a shell."""
    folder.mkdir()
    for tool, call in {"ckmeans": "-m ckmeans", "python": ""}.items():
        script = folder / tool
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {call} "$@"\n')
        script.chmod(0o755)
    return folder


def examples_run(text):
    """The text of a page with the true output of its examples, run in the current folder."""
    names, parser = {"__name__": "__main__"}, doctest.DocTestParser()

    def block(match):
        shown = []
        for part in parser.parse(match[1]):
            if isinstance(part, str):
                shown.append(part)
                continue
            lines = part.source.rstrip("\n").split("\n")
            shown += [
                f"{'...' if i else '>>>'} {line}".rstrip() + "\n" for i, line in enumerate(lines)
            ]
            shown.append(as_shown(part.want, run_example(part.source, names)))
        return f"```python\n{''.join(shown)}```"

    return EXAMPLES.sub(block, text)


def commands_run(text, tools):
    """The same for its commands."""

    def command(match):
        return f"$ {match[1]}\n{as_shown(match[2], run_command(match[1], tools))}"

    return COMMANDS.sub(lambda block: f"```console\n{COMMAND.sub(command, block[1])}```", text)


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true")
    what.add_argument("--write", action="store_true")
    parser.add_argument("page", nargs="*", type=Path, help="default: all")
    args = parser.parse_args(argv)
    os.environ.update(MPLBACKEND="agg", COLUMNS="100")
    wrong = 0
    for page in [page.resolve() for page in args.page] or pages().values():
        text = page.read_text("utf-8")
        with tempfile.TemporaryDirectory() as folder:
            tools = make_tools(Path(folder, "bin"))
            for run in (examples_run, lambda text: commands_run(text, tools)):  # noqa: B023
                with tempfile.TemporaryDirectory() as place:
                    os.chdir(place)
                    text = run(text)
                    os.chdir(TOP)
        if text != page.read_text("utf-8"):
            wrong += 1
            print(page.relative_to(TOP))
            if args.write:
                page.write_text(text, "utf-8")
    return bool(wrong and args.check)


if __name__ == "__main__":
    sys.exit(main())
