"""What tests of the ``ckmeans`` command share."""

import pytest

from ckmeans.cli import main


@pytest.fixture(autouse=True)
def in_a_wide_terminal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def run(capsys):
    """Runs a command line and returns its standard output."""

    def run(*argv, code=0):
        assert main([str(argument) for argument in argv]) == code
        captured = capsys.readouterr()
        run.errors = captured.err
        return captured.out

    return run


def fails(run, *argv, code=2):
    """The one line on standard error; standard output is empty."""
    assert run(*argv, code=code) == ""
    assert run.errors.count("\n") == 1 and run.errors.startswith("ckmeans: error: ")
    return run.errors.strip()


def csv_file(name, header, rows):
    with open(name, "w") as file:
        for row in [header, *rows] if header else rows:
            file.write(",".join(map(str, row)) + "\n")
    return name
