"""The progress of long work, on a terminal."""

import sys


def add_progress(parser):
    parser.add_argument(
        "--no-progress",
        action="store_true",
        help="no progress bar (there is one on terminals, with tqdm installed)",
    )


def progress_bar(args):
    """A callback that draws a bar, if standard error is a terminal and tqdm is installed; else
    None.
    """
    if args.no_progress or not sys.stderr.isatty():
        return None
    try:
        import tqdm  # noqa: F401
    except ImportError:
        return None
    from ..progress import ProgressBar

    return ProgressBar(leave=False)
