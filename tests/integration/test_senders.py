"""More than one sender beside a worker: when one says that it has much, and what its worker does then."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta

import psutil
import pytest

from notifications.channels.mailbox import Mailbox
from notifications.channels.port import Begin, Mail, Outcome, all_begin
from notifications.sending import sender as sending
from notifications.sending.backlog import MUCH
from notifications.sending.drain import DrainSeen
from schemas.settings import load_settings
from tests.facts import opened
from tests.integration.office import Clock, Office
from tests.integration.test_sending import facts_pour_in, person
from yinfeng import senders as several
from yinfeng.senders import Senders

PORTION = 10
MANY = 2 * PORTION * (1 + MUCH)  # two portions a turn


class Taking(Mailbox):
    """A portion takes so long."""

    portion = PORTION

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock, self._seconds = clock, timedelta(seconds=seconds)

    async def send(self, mails: Sequence[Mail], begin: Begin = all_begin) -> list[Outcome]:
        self._clock.ahead += self._seconds
        return await super().send(mails, begin)


@pytest.mark.parametrize(
    ("due", "seconds", "stands_back", "says"),
    [
        pytest.param(MANY, 1.1, False, True, id="its turn ends, and many turns' worth is due"),
        pytest.param(MANY - 1, 1.1, False, False, id="not so many turns' worth"),
        pytest.param(MANY, 0.0, False, False, id="it gets all of it done"),
        pytest.param(PORTION - 1, 5.0, False, False, id="few that take long are not much"),
        pytest.param(MANY, 1.1, True, False, id="facts come first"),
    ],
)
async def test_a_sender_says_when_more_is_due_than_it_gets_done(
    *, office: Office, monkeypatch: pytest.MonkeyPatch, due: int, seconds: float, stands_back: bool, says: bool
):
    monkeypatch.setattr(sending, "GIVE_WAY", (timedelta(0), timedelta(0)))  # of dozens of rounds
    said: list[bool] = []
    await office.tell(opened(), *[person(f"c{number}") for number in range(due)])
    if stands_back:
        await facts_pour_in(office)
    sender = office.sender(Taking(office.clock, seconds), drain=DrainSeen(), much=lambda: said.append(True))
    assert await sender.send_all() == due
    assert bool(said) is says
    assert len(said) < 2


async def test_it_says_so_no_more_once_facts_pour_in_within_its_turn(office: Office):
    class Flooded(Taking):
        async def send(self, mails: Sequence[Mail], begin: Begin = all_begin) -> list[Outcome]:
            await facts_pour_in(office)
            return await super().send(mails, begin)

    said: list[bool] = []
    await office.tell(opened(), *[person(f"c{number}") for number in range(2 * MANY)])
    sender = office.sender(Flooded(office.clock, 1.1), drain=DrainSeen(), much=lambda: said.append(True))
    sending = asyncio.create_task(sender.send_all())
    while not (await office.statuses()).get("sent"):
        await asyncio.sleep(0.01)
    await sender.leave()
    await sending
    assert said == []


async def test_one_that_leaves_records_what_is_under_way_however_long_that_takes(office: Office):
    under_way, goes_on = asyncio.Event(), asyncio.Event()

    class Slow(Taking):
        keeps = False

        async def send(self, mails: Sequence[Mail], begin: Begin = all_begin) -> list[Outcome]:
            under_way.set()
            await goes_on.wait()
            return await super().send(mails, begin)

    await office.tell(opened(), *[person(f"c{number}") for number in range(2 * PORTION)])
    sender = office.sender(Slow(office.clock, 0.0))
    running = asyncio.create_task(sender.run(interval=0.1))
    await under_way.wait()
    leaving = asyncio.create_task(sender.leave())
    await asyncio.sleep(0.1)
    assert not leaving.done()
    goes_on.set()
    await asyncio.gather(leaving, running)
    assert await office.statuses() == {"sent": PORTION, "requested": PORTION}


async def test_a_further_one_tries_nothing_again_that_can_not_be_written(office: Office):
    await office.tell(opened(), person("c1"))
    await office.change("UPDATE messages SET status = 'held', reason = 'can''t be written: x'")
    await office.sender(further=True).sweep()
    assert await office.statuses() == {"held": 1}
    await office.sender().sweep()
    assert await office.statuses() == {"requested": 1}


@pytest.fixture
async def senders(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Senders]:
    """Two at most."""
    monkeypatch.setenv("YINFENG_DATABASE_URL", database_url)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(several, "RESTS", (1.5, 4.0))
    made = Senders(load_settings())
    made.start()
    keeping = asyncio.create_task(made.keep())
    made.release()
    yield made
    await made.close()
    await keeping
    assert not any(map(psutil.pid_exists, made.pids))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.02)


async def until_sent(office: Office, count: int) -> None:
    async with asyncio.timeout(30):
        while await office.statuses() != {"sent": count}:
            await asyncio.sleep(0.05)


async def with_one_more(senders: Senders) -> int:
    """The process of the further sender that begins."""
    senders.much()
    await until(lambda: len(senders.pids) == 2)
    return senders.pids[1]


@pytest.mark.slow
async def test_while_there_is_much_one_more_sends(office: Office, senders: Senders):
    further = await with_one_more(senders)
    senders.much()
    os.kill(senders.pids[0], signal.SIGSTOP)
    try:
        await office.tell(opened(), person("c1"))
        await until_sent(office, 1)
        assert senders.pids[1:] == [further]  # and no third
    finally:
        os.kill(senders.pids[0], signal.SIGCONT)


@pytest.mark.slow
async def test_it_goes_when_there_has_not_been_much_for_a_while(
    office: Office, senders: Senders, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(several, "MUCH_FOR", 0.5)
    first, further = senders.pids[0], await with_one_more(senders)
    await until(lambda: not psutil.pid_exists(further))
    assert senders.pids == [first]
    assert await with_one_more(senders) != further


@pytest.mark.slow
async def test_one_that_ends_by_itself_is_told_of_and_another_comes_when_there_is_much(
    office: Office, senders: Senders, caplog: pytest.LogCaptureFixture
):
    further = await with_one_more(senders)
    os.kill(further, signal.SIGKILL)
    await until(lambda: len(senders.pids) == 1)
    assert "a further sender ended with -9" in caplog.text
    assert senders.lost.number == 1
    senders.much()
    await asyncio.sleep(0.1)
    assert len(senders.pids) == 1  # not at once: what ended it may end the next as well
    async with asyncio.timeout(30):
        while len(senders.pids) == 1:
            senders.much()
            await asyncio.sleep(0.1)
    assert senders.pids[1] != further


async def test_where_none_can_be_started_the_others_go_on(
    office: Office, senders: Senders, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    with monkeypatch.context() as patched:
        patched.setattr("sys.executable", "/nowhere/python")
        senders.much()
        await until(lambda: "a further sender can't be started" in caplog.text)
    await office.tell(opened(), person("c1"))
    senders.wake()
    await until_sent(office, 1)


async def test_one_that_has_just_begun_is_ended_with_the_others(office: Office, senders: Senders):
    senders.much()
    while len(senders.pids) < 2:
        await asyncio.sleep(0)
    await senders.close()


async def test_one_processor_has_one_sender(database_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("YINFENG_DATABASE_URL", database_url)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    made = Senders(load_settings())
    made.start()
    keeping = asyncio.create_task(made.keep())
    made.release()
    for _ in range(3):
        made.much()
        await asyncio.sleep(0.01)
    assert len(made.pids) == 1
    await made.close()
    await keeping
