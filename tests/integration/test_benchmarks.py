"""Benchmarks still run, on a few mails and facts; what they measure is not looked at here."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

FEW_MAILS = """
from benchmarks import sending

sending.RENDERED = sending.SENT = sending.MANY = sending.PLAIN = 30
assert len(list(sending.measure())) == 9
"""
FEW_FACTS = """
from benchmarks import sealing

sealing.BATCH, sealing.ROUNDS = 60, 2
assert len(list(sealing.measure())) == 7
"""


@pytest.mark.parametrize("few", [FEW_MAILS, FEW_FACTS], ids=["sending", "sealing"])
def test_it_is_measured(few: str):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("YINFENG_")}
    done = subprocess.run(
        [sys.executable, "-c", few], env=environment, timeout=120, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
