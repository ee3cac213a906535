"""The README and the pages of the site show the true outputs; ``python tests/pages.py --write``
updates them.
"""

import os
import sys

import pages
import pytest

#: Pages whose examples need a package that may not be there.
NEEDS = {
    "docs/start.md": ["matplotlib", "sklearn"],
    "docs/guides/scale.md": ["sklearn"],
    "docs/guides/explain-and-watch.md": ["pandas", "scipy", "sklearn"],
    "docs/guides/sparse-text.md": ["scipy", "sklearn"],
    "docs/guides/big-data.md": ["pyarrow"],
    "docs/guides/scikit-learn.md": ["sklearn"],
    "docs/guides/export.md": ["pandas"],
    "docs/guides/command-line.md": ["matplotlib", "pandas", "pyarrow", "scipy"],
}
PAGES = pages.pages()


@pytest.fixture
def text(name, tmp_path, monkeypatch):
    for package in NEEDS.get(name, ()):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)  # examples may write files
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("COLUMNS", "100")
    return PAGES[name].read_text("utf-8")


@pytest.mark.skipif(not pages.README.exists(), reason="run the tests in a checkout")
def test_pages_are_found():
    assert {"README.md", "docs/start.md", "docs/guides/command-line.md"} <= PAGES.keys()


@pytest.mark.parametrize("name", PAGES)
def test_examples(name, text):
    assert pages.examples_run(text) == text


@pytest.mark.skipif(os.name == "nt", reason="the commands are for a POSIX shell")
@pytest.mark.parametrize(
    "name", [name for name, page in PAGES.items() if pages.COMMANDS.search(page.read_text("utf-8"))]
)
def test_commands(name, text, tmp_path):
    assert pages.commands_run(text, pages.make_tools(tmp_path / "bin")) == text


@pytest.mark.parametrize(
    "shown, happens",
    [
        (">>> 1 + 1\n2\n", None),
        (">>> 1 + 1\n3\n", ">>> 1 + 1\n2\n"),
        (">>> print('a  b')\na b\n", None),
        (">>> print(7)\n...\n", ">>> print(7)\n7\n"),  # a line of a statement, not an output
        (">>> list(range(100))\n[0, ..., 99]\n", None),
        (
            ">>> def f():\n...     return 5\n>>> f()\n6\n",
            ">>> def f():\n...     return 5\n>>> f()\n5\n",
        ),
    ],
)
def test_what_is_not_so_is_found(shown, happens):
    page = f"Text.\n\n```python\n{shown}```\n\nMore.\n"
    assert pages.examples_run(page) == page.replace(shown, happens or shown)


def test_an_error_is_found():
    assert "ZeroDivisionError" in pages.examples_run("```python\n>>> 1 / 0\n```\n")


@pytest.mark.skipif(os.name == "nt", reason="the commands are for a POSIX shell")
def test_what_commands_do_not_say_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where no sources stand beside the package
    tools = pages.make_tools(tmp_path / "bin")
    for command, said in (
        ("echo a b", "a b\n"),
        ("python -c 'print(6 * 7)'", "42\n"),
        ("ckmeans --version", f"ckmeans {sys.modules['ckmeans'].__version__}\n"),
        ("exit 3", "[exit code 3]\n"),
    ):
        page = f"```console\n$ {command}\nsomething else\n```\n"
        if command == "ckmeans --version":  # argparse ends the process
            command = f"{command};"
            page = page.replace("version", "version;")
        assert pages.commands_run(page, tools) == page.replace("something else\n", said)
