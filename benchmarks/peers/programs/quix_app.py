"""What both programs on Quix Streams begin with."""

from __future__ import annotations

from quixstreams import Application
from watch import FOLDER, GROUP, KAFKA


def make_app() -> Application:
    """One application on the topic's broker, from the beginning, with its state in the folder of this run."""
    return Application(
        broker_address=KAFKA,
        consumer_group=GROUP,
        auto_offset_reset="earliest",
        state_dir=FOLDER / "state",
        commit_interval=1.0,
        loglevel="WARNING",
    )
