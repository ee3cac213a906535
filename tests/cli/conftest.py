"""Fixtures for the tests of the ``ckmeans`` command."""

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
