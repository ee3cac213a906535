"""Hypothesis profiles.

The default one repeats itself exactly. ``HYPOTHESIS_PROFILE=fuzz pytest`` searches long, with fresh
examples.
"""

import os
import signal
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

from ckmeans._native import engine

# The oracle and the strategies are imported by name, also where the tests are run from elsewhere.
sys.path.insert(0, str(Path(__file__).parent))

# A shell has what it starts in the background ignore Ctrl-C, which some tests send to themselves
# and to children.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What an algorithm is named after is used on the small data of tests, too, where it does not pay.
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
