"""The record of a command."""

from collections.abc import Callable
from typing import NamedTuple


class Command(NamedTuple):
    """A command: its function, its arguments, and its help."""

    run: Callable  #: (args) -> exit code, or None for 0
    arguments: Callable  #: (parser): adds the arguments
    usage: str
    summary: str
    examples: str  #: the end of the help
    notes: str = ""  #: paragraphs above the examples

    @property
    def epilog(self):
        notes = f"{self.notes}\n" if self.notes else ""
        return f"{notes}examples:\n{self.examples}"
