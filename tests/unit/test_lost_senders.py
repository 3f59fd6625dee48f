"""When a worker says that its senders keep being lost."""

from __future__ import annotations

from yinfeng.lost_senders import WITHIN, LostSenders


def test_one_that_is_lost_is_counted_and_no_trouble_two_are():
    now = [0.0]
    lost = LostSenders(clock=lambda: now[0])
    assert (lost.number, lost.trouble()) == (0, None)
    lost.note("ended with -9")
    assert (lost.number, lost.trouble()) == (1, None)
    now[0] += WITHIN + 1
    lost.note("ended with 1")
    assert lost.trouble() is None
    now[0] += 10
    lost.note("said nothing for 40 s")
    assert (lost.number, lost.trouble()) == (3, "said nothing for 40 s")
    now[0] += WITHIN + 1
    assert (lost.number, lost.trouble()) == (3, None), "the last has lived long enough"
