"""A sample of what `make worlds` explores whole."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# `explore.py` is a program, and its parts import each other as such.
sys.path.insert(0, str(Path(__file__).parent))

from explore import WORLDS, sample

SEQUENCES = 600


@pytest.mark.slow
@pytest.mark.rule("C1", "C2", "C3", "C4", "C6", "C8", "J", "H1", "H2", "H4", "L1", "M1", "R1", "W2", "W4", "W9")
def test_random_sequences_break_no_rule() -> None:
    report = sample(SEQUENCES, seed=20_261_201)
    assert report.sequences == SEQUENCES * len(WORLDS)
    assert report.violations == ()
