"""The table of commands, and the parser that is made of it.

A command is a module of this folder, called as the command is, with a `COMMAND`.
"""

import argparse
from importlib import import_module

from .. import __version__
from .._input.parameter_names import suggestion
from .arguments import UsageError
from .outputs import CONTENTS

#: In the order of the help.
_NAMES = (
    "fit",
    "predict",
    "explain",
    "drift",
    "plot",
    "quantize",
    "demo",
    "completion",
)

COMMANDS = {name: import_module(f".{name}", __package__).COMMAND for name in _NAMES}


class _Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line, like all others."""

    def __init__(self, **options):
        # No abbreviations: a later option must not change what today's command lines mean.
        super().__init__(
            allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **options
        )

    def parse_args(self, args=None, namespace=None):
        found, unknown = self.parse_known_args(args, namespace)
        if unknown:
            command = getattr(found, "parser", self)
            command.error(f"unrecognized arguments: {' '.join(unknown)}{command.meant(unknown)}")
        return found

    def meant(self, unknown):
        """A question that suggests an option similar to the first unknown one."""
        options = {
            option.lstrip("-").replace("-", "_"): option for option in self._option_string_actions
        }
        for argument in unknown:
            name = argument.partition("=")[0].lstrip("-").replace("-", "_")
            meant = suggestion(name, options) if argument.startswith("-") and name else None
            if meant is not None:
                return f"; did you mean {options[meant]}?"
        return ""

    def error(self, message):
        raise UsageError(f"{message} (see {self.prog} --help)")


def make_parser():
    """The parser of the whole command line; what it returns has the `run` of its command."""
    parser = _Parser(
        prog="ckmeans",
        description="k-means clustering: exact, repeatable, fast.",
        epilog="""\
examples:
  ckmeans demo                                   see what it does
  ckmeans fit points.csv -k 3                    find 3 clusters in a file
  ckmeans fit points.csv -k 3 --model m.npz      ... and keep the model
  ckmeans predict m.npz new.csv --labels -       print the cluster of each new row
  ckmeans fit points.csv -k 2:12                 find out how many clusters there are
  ckmeans plot m.npz points.csv -o points.png    draw them

Each command tells more: ckmeans fit --help
""",
    )
    parser.add_argument("--version", action="version", version=f"ckmeans {__version__}")
    parser.set_defaults(run=lambda args: parser.print_help())
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)
    for name, command in COMMANDS.items():
        sub = commands.add_parser(
            name,
            help=command.summary,
            usage=command.usage,
            description=command.summary[0].upper() + command.summary[1:] + ".",
            epilog=command.epilog,
        )
        command.arguments(sub)
        if any(action.dest in CONTENTS for action in sub._actions):
            sub.add_argument("--force", action="store_true", help="overwrite files that exist")
        sub.set_defaults(run=command.run, parser=sub)
    return parser
