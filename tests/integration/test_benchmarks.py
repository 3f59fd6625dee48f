"""The benchmark of the sender still runs, on a few mails; what it measures is not looked at here."""

from __future__ import annotations

import os
import subprocess
import sys

FEW = """
from benchmarks import sending

sending.RENDERED = sending.SENT = sending.MANY = sending.PLAIN = 30
assert len(list(sending.measure())) == 9
"""


def test_the_sender_is_measured():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("YINFENG_")}
    done = subprocess.run(
        [sys.executable, "-c", FEW], env=environment, timeout=120, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
