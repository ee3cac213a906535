"""What a command is."""

from collections.abc import Callable
from typing import NamedTuple


class Command(NamedTuple):
    """A command: what it does, its arguments, and what its help says."""

    run: Callable  #: (args) -> exit code, or None for 0
    arguments: Callable  #: (parser): adds the arguments
    usage: str
    summary: str
    examples: str  #: what the help ends with
    notes: str = ""  #: paragraphs above the examples

    @property
    def epilog(self):
        notes = f"{self.notes}\n" if self.notes else ""
        return f"{notes}examples:\n{self.examples}"
