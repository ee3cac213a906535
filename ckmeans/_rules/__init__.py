"""Rules: changes to plain k-means that parameters ask for, such as bounds on clusters' sizes.

A rule is a class in a file of this folder, with a counterpart in the engine (`_native/rules`).
Lloyd's loop, its stopping rule, the restarts and the attributes of a fit are the same with and
without rules. To add one, write such a file and add a row to `RULES`, which also says what the rule
can be combined with. Two rules in one fit are combined by `both.py`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from .base import Rule
from .both import Both
from .gaps import Gaps
from .known_labels import KnownLabels
from .medians import Medians
from .outliers import Outliers
from .sizes import Sizes


class Goes(NamedTuple):
    """A rule, and what it can be combined with."""

    rule: type[Rule]
    metric: tuple[str, ...]
    sparse: bool
    algorithm: tuple[str, ...] | None = None  #: None: every one
    rules: tuple[str, ...] = ()  #: other rules, by name
    refine: bool = False
    blocks: bool = False  #: rows in blocks: `fit_chunks`
    scale: bool = True

    def __str__(self) -> str:
        """What the rule can be combined with, for messages."""
        return "; ".join(
            (
                f"metric={' or '.join(map(repr, self.metric))}",
                "dense or sparse X" if self.sparse else "dense X",
                "any algorithm"
                if self.algorithm is None
                else f"algorithm={' or '.join(map(repr, self.algorithm))}",
                "any refine" if self.refine else "refine=None",
                "any scale" if self.scale else "scale=None",
                "fit and fit_chunks" if self.blocks else "fit with all rows in memory",
                " or ".join(" and ".join(RULES[name].rule.asked_by) for name in self.rules)
                if self.rules
                else "no other rule",
            )
        )


METRICS = ("euclidean", "cosine")

#: name -> the rule and what it can be combined with. Of two rules in one fit, the one that is lower
#: in the table is applied last.
RULES: dict[str, Goes] = {
    "sizes": Goes(Sizes, METRICS, sparse=True, rules=("known labels",)),
    "outliers": Goes(Outliers, METRICS, sparse=True, rules=("known labels",)),
    "known labels": Goes(KnownLabels, METRICS, sparse=True, rules=("sizes", "outliers")),
    "medians": Goes(Medians, metric=("manhattan",), sparse=False, algorithm=("auto", "lloyd")),
    "gaps": Goes(
        Gaps, metric=("euclidean",), sparse=False, algorithm=("auto", "lloyd"), scale=False
    ),
}


def asked(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """The rules that these parameters ask for: name of the rule -> the parameters that do."""
    found = {
        name: [
            parameter
            for parameter, asks in goes.rule.asked_by.items()
            if parameter in values and asks(values[parameter])
        ]
        for name, goes in RULES.items()
    }
    return {name: parameters for name, parameters in found.items() if parameters}


#: Parameters that may ask for a rule. Their defaults ask for none.
ASKING = frozenset(name for goes in RULES.values() for name in goes.rule.asked_by)


def shown(values: Mapping[str, Any], parameters: list[str]) -> str:
    """Parameters for messages, with their values where these are strings."""
    return " and ".join(
        f"{name}={values[name]!r}" if isinstance(values[name], str) else name for name in parameters
    )


def rule_for(values: Mapping[str, Any], sparse: bool = False, blocks: bool = False) -> Rule | None:
    """The rule that these parameters ask for, which may be a combination of two; or None.

    Parameters
    ----------
    values : mapping
        The parameters of the estimator and the arguments of `fit`, by name.
    sparse, blocks : bool
        Whether X is sparse, and whether it comes in blocks.

    Raises
    ------
    ValueError
        The parameters cannot be combined; the message lists what the rule can be combined with.
    """
    found = asked(values)
    for name, parameters in found.items():
        goes = RULES[name]
        other = next((other for other in found if other not in (name, *goes.rules)), None)
        for wrong, what in (
            (values.get("metric") not in goes.metric, f"metric={values.get('metric')!r}"),
            (sparse and not goes.sparse, "sparse X"),
            (
                goes.algorithm is not None and values.get("algorithm") not in goes.algorithm,
                f"algorithm={values.get('algorithm')!r}",
            ),
            (not goes.refine and values.get("refine") not in (None, "default"), "refine"),
            (not goes.scale and values.get("scale") is not None, "scale"),
            (blocks and not goes.blocks, "rows in chunks"),
            (other is not None, shown(values, found.get(other or "", []))),
        ):
            if wrong:
                raise ValueError(
                    f"{shown(values, parameters)} cannot be used with {what}: goes with {goes}."
                )
    rules = [RULES[name].rule(values) for name in found]
    return Both(values, *rules) if len(rules) > 1 else rules[0] if rules else None
