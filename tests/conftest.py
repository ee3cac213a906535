"""Hypothesis profiles.

The default one runs the same examples every time. ``HYPOTHESIS_PROFILE=fuzz pytest`` searches
longer, with new examples.
"""

import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from ckmeans._native import engine

# The oracle and the strategies are imported by name, also where the tests are run from elsewhere.
sys.path.insert(0, str(Path(__file__).parent))

# A shell has what it starts in the background ignore Ctrl-C, which some tests send to themselves
# and to children.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Algorithms use their preferred packing or search on the small data of tests, too, where it does
# not pay.
engine.insist(True)

slow_data = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile(
    "quick",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=100,
    suppress_health_check=slow_data,
)
settings.register_profile(
    "fuzz", deadline=None, max_examples=20_000, suppress_health_check=slow_data
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def _with_remedy(report):
    """Tell what to install if a test is skipped because a package is missing."""
    if report.skipped and isinstance(report.longrepr, tuple):
        path, line, reason = report.longrepr
        if "could not import" in reason:
            # (no extra has PyTorch: it takes gigabytes)
            brings = "torch" if "'torch'" in reason else "'.[test-all]'"
            report.longrepr = path, line, f"{reason}; pip install {brings} brings it"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    return _with_remedy((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    return _with_remedy((yield))
