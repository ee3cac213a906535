"""Fits that must not change; see golden.py."""

import json

import golden
import pytest
from checks import run_python

from ckmeans import _native

RECORD = golden.read()


@pytest.mark.parametrize("isa", _native.available)
def test_results_are_those_of_the_record(isa):
    # All fits with the narrowest set and with the widest; a third with those between, which differ
    # from them in their vectors' width only.
    every = 1 if isa in (_native.available[0], _native.available[-1]) else 3
    command = f"import golden, json; print(json.dumps(list(golden.run(every={every}))))"
    found = json.loads(run_python(command, CKMEANS_ISA=isa))
    assert len(found) >= len(RECORD["results"]) // every
    assert {name: results for name, results, _ in found}.items() <= RECORD["results"].items()
    counted = RECORD["counters"].get(isa)
    if (
        every == 1 and counted is not None and RECORD["origin"] == golden.origin()
    ):  # else they may differ a little, and so may decisions
        assert "".join(counters[:4] for _, _, counters in found) == counted


def test_a_record_holds_each_fit_once():
    names = [name for name, *_ in golden.cases()]
    assert len(names) == len(set(names)) == len(RECORD["results"])
    assert (
        len({each for each in RECORD["results"].values()}) > 100
    )  # the results are not a constant
