"""What the README and the pages of the site show is what happens."""

import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import ckmeans
from ckmeans.cli import main

TOP = Path(__file__).resolve().parents[2]
README = TOP / "README.md"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
PAGES = [README, *sorted(TOP.glob("docs/*.md")), *sorted(TOP.glob("docs/[!_]*/*.md"))]
PAGES = [page for page in PAGES if page.exists()]
#: Pages whose examples need a package that may not be there.
NEEDS = {
    "start.md": ["matplotlib", "sklearn"],
    "guides/scale.md": ["sklearn"],
    "guides/explain-and-watch.md": ["pandas", "scipy", "sklearn"],
    "guides/sparse-text.md": ["scipy", "sklearn"],
    "guides/big-data.md": ["pyarrow"],
    "guides/scikit-learn.md": ["sklearn"],
    "guides/export.md": ["pandas"],
    "guides/command-line.md": ["matplotlib", "pandas", "pyarrow", "scipy"],
}


def blocks(page, kind):
    """The text of all fenced blocks of a kind, one after the other."""
    return re.findall(rf"^```{kind}\n(.*?)^```", page.read_text("utf-8"), re.S | re.M)


def name(page):
    return page.relative_to(TOP / "docs" if page != README else TOP).as_posix()


def needs(page):
    for package in NEEDS.get(name(page), ()):
        pytest.importorskip(package)


pages_with_examples = [page for page in PAGES if any(">>>" in b for b in blocks(page, "python"))]
pages_with_commands = [page for page in PAGES if blocks(page, "console")]


@pytest.mark.skipif(not README.exists(), reason="run the tests in a checkout of the repository")
def test_pages_are_found():
    assert README in pages_with_examples
    assert {"start.md", "guides/command-line.md"} <= {name(page) for page in pages_with_commands}


@pytest.mark.parametrize("page", pages_with_examples, ids=name)
def test_examples(page, tmp_path, monkeypatch):
    needs(page)
    monkeypatch.chdir(tmp_path)  # examples may write files
    monkeypatch.setenv("MPLBACKEND", "agg")
    text = "\n".join(block for block in blocks(page, "python") if ">>>" in block)
    example = doctest.DocTestParser().get_doctest(text, {}, name(page), str(page), 0)
    assert doctest.DocTestRunner(optionflags=FLAGS).run(example).failed == 0


def run_here(command):
    """A call of ckmeans without anything that takes a shell: in this process, which is quicker."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = main(shlex.split(command)[1:])
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


@pytest.mark.skipif(sys.platform == "win32", reason="the commands are for a POSIX shell")
@pytest.mark.parametrize("page", pages_with_commands, ids=name)
def test_commands(page, tmp_path, monkeypatch):
    """Each ``$ command`` prints what the page shows below it, ``...`` standing for anything."""
    needs(page)
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("COLUMNS", "100")
    tools, folder = tmp_path / "bin", tmp_path / "folder"
    tools.mkdir()
    folder.mkdir()
    monkeypatch.chdir(folder)
    for tool, call in {"ckmeans": "-m ckmeans", "python": ""}.items():
        script = tools / tool
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {call} "$@"\n')
        script.chmod(0o755)
    for block in blocks(page, "console"):
        for command, wanted in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M):
            simple = command.startswith("ckmeans ") and not re.search("[|<>;&$*]", command)
            code, said = run_here(command) if simple else run_in_shell(command, tools)
            assert not code, f"$ {command}\n{said}"
            matches = doctest.OutputChecker().check_output(wanted, said, FLAGS)
            assert matches, f"$ {command}\n{said}"
