"""Warning and error classes, and values as messages show them."""

import sys
import warnings
from functools import cache
from typing import Any


class ConvergenceWarning(UserWarning):
    """The data has fewer distinct rows than clusters were requested."""

    __module__ = "ckmeans"


class ColumnsWarning(UserWarning):
    """A table has columns that k-means should perhaps not be given as they are: ids, or units that
    make one column count for much more than another.
    """

    __module__ = "ckmeans"


class NotFittedError(ValueError, AttributeError):
    """A method that needs a fitted model was called before ``fit``."""

    __module__ = "ckmeans"


@cache
def _joint(ours: type, theirs: type) -> type:
    like = {
        "__doc__": ours.__doc__,
        "__module__": "ckmeans",
        "__reduce__": lambda self: (ours, self.args),
    }
    return type(ours.__name__, (ours, theirs), like)


def compatible(ours: type) -> type:
    """Our exception or warning class; if scikit-learn is loaded, a subclass of both ours and its
    class of the same name, so that handlers of either catch it.
    """
    theirs = getattr(sys.modules.get("sklearn.exceptions"), ours.__name__, None)
    return ours if theirs is None else _joint(ours, theirs)


#: Where a warning was told: (file, line, message).
_told: set[tuple[str, int, str]] = set()


def warn(message: str, category: type[Warning] = UserWarning, once: bool = False) -> None:
    """Warn at the innermost line outside of this package, which is in the user's code.

    once : bool
        Whether the message is told once at a line, unless a filter asks for more. That is what
        Python's filter "default" means, but its memory is lost whenever any package turns a warning
        off for a moment, as pandas does while its tables are read.
    """
    level, frame = 1, sys._getframe()
    while (
        frame.f_back is not None
        and frame.f_globals.get("__name__", "").partition(".")[0] == "ckmeans"
    ):
        level, frame = level + 1, frame.f_back
    if category is ConvergenceWarning:
        category = compatible(category)
    if once and _action(message, category, frame) in ("default", "module", "once"):
        place = frame.f_code.co_filename, frame.f_lineno, message
        if place in _told:
            return
        _told.add(place)
    warnings.warn(message, category, stacklevel=level)


def _action(message: str, category: type[Warning], frame: Any) -> str:
    """What the filters of warnings do with one of a frame's line."""
    for action, text, kind, module, line in warnings.filters:
        if (
            issubclass(category, kind)
            and _matches(text, message)
            and _matches(module, frame.f_globals.get("__name__", ""))
            and line in (0, frame.f_lineno)
        ):
            return action
    return "default"


def _matches(pattern: Any, text: str) -> bool:
    """Whether this is what a filter asks for; those that Python begins with have plain texts."""
    return pattern is None or (
        pattern == text if isinstance(pattern, str) else bool(pattern.match(text))
    )


def shortened(value: Any) -> str:
    """`repr` of a value of any kind, in one line, short enough for a message."""
    text = repr(value)
    if "\n" in text:  # of arrays and tables
        text = " ".join(text.split())
    return text if len(text) <= 60 else text[:57] + "..."


def with_type(value: Any) -> str:
    return f"{shortened(value)} ({type(value).__name__})"


def for_missing(name: str) -> str:
    """What to do about missing values in `name`."""
    if name != "X":
        return "drop such rows or fill in the values."
    return "drop such rows, fill in the values, or leave them to KMeans(..., missing='ignore')."


def changed_error(name: str = "X") -> ValueError:
    """The error for an array that another thread has changed while it was read."""
    return ValueError(f"{name} has been changed while it was read: pass a copy of it.")
