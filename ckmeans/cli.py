"""The ``ckmeans`` command.

Its commands are in `ckmeans._cli`, one file each. Errors end in one line on standard error and exit
code 2.
"""

import contextlib
import io
import os
import sys

from ._cli.commands import COMMANDS, make_parser
from ._cli.tables import NOT_OPENED, is_address
from ._output import safe_text

__all__ = ["COMMANDS", "main"]


def main(argv=None):
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv : list of str, optional
        Default: the arguments of the process.

    Returns
    -------
    code : int
        0 for success, 1 where the reader of a pipe left early, 2 for an error, 130 for Ctrl-C; a
        command may have codes of its own, which its help lists.
    """
    try:
        # Names of columns may have characters that a terminal cannot show.
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        args = make_parser().parse_args(argv)
        args.argv = argv
        code = args.run(args)
        sys.stdout.flush()
        return code or 0
    except SystemExit as done:  # --help, --version
        return done.code or 0
    except KeyboardInterrupt as interrupt:
        partial = getattr(interrupt, "partial", None)  # what `select_k` had found
        if partial is not None:
            print(*partial.lines(), "", *partial.notes, sep="\n", file=sys.stderr)
        return _fail(130, "interrupted")
    except BrokenPipeError:
        # The reader, such as head, has seen enough; keep Python from flushing once more.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except MemoryError as error:
        return _fail(2, f"error: not enough memory: {error}")
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        reason = NOT_OPENED if is_address(error.filename) else error.strerror or error
        return _fail(2, f"error: {where}{reason}")
    except (ValueError, TypeError, ImportError) as error:
        question, readings = getattr(error, "question", error), getattr(error, "readings", ())
        return _fail(2, f"error: {question}", readings)


def _fail(code, message, readings=()):
    """Print an error in one line; if a file can be read in several ways, each in a further line."""
    print("ckmeans:", safe_text.message(message), file=sys.stderr)
    for option, what in readings:
        print(f"  {option}:", safe_text.message(what), file=sys.stderr)
    return code
