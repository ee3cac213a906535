"""What the README and the pages of the site show is what happens."""

import doctest
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

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
    "guides/command-line.md": ["matplotlib", "pyarrow", "scipy"],
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


@pytest.mark.skipif(sys.platform == "win32", reason="the commands are for a POSIX shell")
@pytest.mark.parametrize("page", pages_with_commands, ids=name)
def test_commands(page, tmp_path):
    """Each ``$ command`` prints what the page shows below it, ``...`` standing for anything."""
    needs(page)
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool, call in {"ckmeans": "-m ckmeans", "python": ""}.items():
        script = tools / tool
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {call} "$@"\n')
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
    folder = tmp_path / "folder"
    folder.mkdir()
    environment = {
        **os.environ,
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "MPLBACKEND": "agg",
        "COLUMNS": "100",
        "PYTHONPATH": str(Path(__import__("ckmeans").__file__).parents[1]),
    }
    check = doctest.OutputChecker().check_output
    for block in blocks(page, "console"):
        for command, wanted in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M):
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}"
            assert check(wanted, done.stdout, FLAGS), f"$ {command}\n{done.stdout}"
