"""When a channel is of no use (its provider away, overrun, or refusing us), it rests, longer each time.

Messages are not to blame: they wait, and one of them is sent ahead to see whether the channel works again. That it
rests is known to all senders by the database (storage/messages/channel_rests.py); each heeds that before its turn.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from notifications.channels.port import Outcome

log = logging.getLogger(__name__)

FIRST_REST: Final = 2.0  # seconds, doubled with each failure in a row
LONGEST_REST: Final = 60.0
MOST_IN_DOUBT: Final = 8  # unknown outcomes in a row, before the channel rests
_ENOUGH_DOUBLINGS: Final = 10


class Breaker:
    """The state of one channel. `jitter` gives a factor around 1; `reason`: why it rested last; `rests_until`: of
    the rest that is not over until a mail went well; `failures`: in a row."""

    def __init__(self, name: str, clock: Callable[[], datetime], jitter: Callable[[], float]) -> None:
        self._name, self._clock, self._jitter = name, clock, jitter
        self.failures = 0
        self._in_doubt = 0
        self._came_to_rest: datetime | None = None
        self.rests_until: datetime | None = None
        self.reason = ""

    def heed(self, rests_until: datetime | None, failures: int) -> None:
        """So it stands by what all senders know of it; without a rest it is in order."""
        self.rests_until, self.failures = rests_until, failures

    def rests(self) -> bool:
        """Whether nothing is to be sent now."""
        return self.rests_until is not None and self._clock() < self.rests_until

    @property
    def in_order(self) -> bool:
        """Whether what was tried last went well."""
        return self.failures == 0

    def portion(self, size: int) -> int:
        """How many messages to try at once, when `size` would be right for a channel in order."""
        return size if self.in_order else 1

    def note(self, outcomes: Sequence[Outcome], *, since: datetime | None = None) -> None:
        """What became of messages that were handed over together, in order; `since`: when, if not just now. What was
        under way as the channel came to rest met the same failure, and tells nothing of how it stands afterwards."""
        outcomes = [outcome for outcome in outcomes if outcome.was_tried]
        for outcome in outcomes:
            self._in_doubt = self._in_doubt + 1 if outcome.status == "unknown" else 0
        troubles = [outcome for outcome in outcomes if outcome.pauses_channel] or self._doubts(outcomes)
        late = since is not None and self._came_to_rest is not None and since < self._came_to_rest
        if troubles and not (late and self.failures):
            self._rest(troubles)
        elif troubles:
            self.rests_until = max([*_named(troubles), self.rests_until or self._clock()])
        elif outcomes and not late:
            self.failures, self.rests_until = 0, None

    def _doubts(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """The outcome in doubt that is one too many; a channel that has rested is allowed none."""
        too_many = self._in_doubt >= (1 if self.failures else MOST_IN_DOUBT)
        return [outcomes[-1]] if outcomes and too_many else []

    def _rest(self, troubles: Sequence[Outcome]) -> None:
        seconds = min(FIRST_REST * 2 ** min(self.failures, _ENOUGH_DOUBLINGS), LONGEST_REST) * self._jitter()
        self.failures += 1
        self._came_to_rest = self._clock()
        self.rests_until = max([self._came_to_rest + timedelta(seconds=seconds), *_named(troubles)])
        self.reason = f"{self._name}: {troubles[0].reason}"
        log.error("the channel %s rests until %s: %s", self._name, self.rests_until.isoformat(), troubles[0].reason)


def _named(outcomes: Sequence[Outcome]) -> list[datetime]:
    """From when on the provider takes more, where it says so."""
    return [outcome.retry_at for outcome in outcomes if outcome.retry_at is not None]
