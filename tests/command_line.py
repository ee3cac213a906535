"""Helpers for tests of the ``ckmeans`` command."""


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
