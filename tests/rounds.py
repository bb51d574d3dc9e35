"""Drills that take too long for every run: by hand, in as many rounds as DRILL_ROUNDS says."""

import os

import pytest

ROUNDS = int(os.environ.get("DRILL_ROUNDS", "0"))

by_hand = pytest.mark.skipif(not ROUNDS, reason="by hand: set DRILL_ROUNDS to the number of rounds")
each_round = pytest.mark.parametrize("round_", range(max(1, ROUNDS)))
