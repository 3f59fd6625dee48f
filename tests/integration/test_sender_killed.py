"""The sender is killed at every await, and at random ones while the provider misbehaves: nothing is missing, nothing
goes twice, and `unknown` is only what may have gone.

`YINFENG_KILLS` says how many random runs there are (`make kills` has 200 of them), and lets every await be tried;
`YINFENG_KILLS_FROM` with which of them to begin, since each is the same wherever it is run.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from notifications.channels.sendgrid import WAVE
from storage.database import make_pool
from tests.facts import event, opened, signed_up
from tests.integration.office import Office
from tests.stand_ins.sendgrid import Answer, SendGridStandIn
from tests.stand_ins.smtp import Reply, SmtpStandIn

RUNS = int(os.environ.get("YINFENG_KILLS", "6"))
FIRST = int(os.environ.get("YINFENG_KILLS_FROM", "0"))
STRIDE = 1 if "YINFENG_KILLS" in os.environ else 9
EXPIRE = "UPDATE messages SET lease_until = now() - interval '1 second' WHERE status = 'claimed'"
DUE = "UPDATE messages SET not_before = NULL WHERE status = 'requested'"
MAY_HAVE_GONE = "WHERE status = 'claimed' AND begun_at IS NOT NULL"
# What failed is told to HR, by messages about the same candidates.
STAND = "WHERE candidate = ANY(%s) AND kind IN ('signup_confirmation', 'offer')"
SESSIONS = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'yinfeng-doomed'"
NEVER = ("failed", "suppressed")
DOUBTS = "WHERE status = 'unknown'"


class Doomed:
    """Runs senders that are killed."""

    def __init__(self, database: str) -> None:
        self._database = database
        command = [sys.executable, "-m", "tests.integration.doomed_sender"]
        self._parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, provider: str, *, at: int = 0, channel: str = "sendgrid", most: int = 1, lanes: int = 1) -> int:
        """A sender that is killed at this await; returns how many it had, where it came to its end: else 0."""
        asked = {"database": self._database, "provider": provider, "at": at, "channel": channel}
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(json.dumps({**asked, "most": most, "lanes": lanes}) + "\n")
        self._parent.stdin.flush()
        answer = json.loads(self._parent.stdout.readline())
        assert answer["killed"] or answer["awaits"] > 0
        return 0 if answer["killed"] else int(answer["awaits"])

    def close(self) -> None:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.close()
        self._parent.wait(30)
        self._parent.stdout.close()


@pytest.fixture
def doomed(database_url: str) -> Iterator[Doomed]:
    it = Doomed(database_url)
    yield it
    it.close()


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    async with make_pool(database_url, name="test", size=3) as pool:
        yield Office(pool)


async def ask_for(office: Office, run: str, count: int) -> list[str]:
    """So many candidates with a message each, some with an offer too; returns them."""
    names = [f"{run}-{n}" for n in range(count)]
    facts = [signed_up(each, id=f"{each}-s", email=f"{each}@example.com") for each in names]
    terms = {"employer": "huayou", "position": "Engineer"}
    facts += [
        event("offer.extended", id=f"{each}-o", candidate=each, offer="o", **terms) for each in names[: count // 3]
    ]
    await office.tell(*([opened()] if run.endswith("0") else []), *facts)
    return names


def accepted(server: SendGridStandIn, mail_server: SmtpStandIn) -> Counter[str]:
    """How often each message arrived."""
    by_mail = (str(mail["Message-ID"]).partition("yinfeng.")[2] for _, mail in list(mail_server.accepted))
    return server.ids() + Counter(name.partition("@")[0].partition(".")[0] for name in by_mail)


def forget_accepted(server: SendGridStandIn, mail_server: SmtpStandIn) -> None:
    """Each look reads all that arrived: a run after a hundred others need not read theirs."""
    server.accepted.clear()
    mail_server.accepted.clear()


async def killed(office: Office, doomed: Doomed, provider: str, at: int, **how: Any) -> tuple[int, set[str]]:
    """A sender killed there; returns its awaits (0: killed), and what may have gone when it was."""
    before = set((await office.names(DOUBTS)).values())
    awaits = doomed.send(provider, at=at, **how)
    # Postgres ends the statement that it had in hand from a process that is dead.
    while await office.rows(SESSIONS):
        await asyncio.sleep(0.01)
    begun = set((await office.names(MAY_HAVE_GONE)).values())
    doubted = set((await office.names(DOUBTS)).values()) - before
    most = 1 if how.get("channel") == "smtp" else WAVE * how.get("most", 1)
    assert len(begun) <= most * min(how.get("lanes", 1), 2)
    await office.change(EXPIRE)
    return awaits, begun | doubted


async def require_once(
    office: Office, names: list[str], arrived: Counter[str], may_have_gone: set[str], *, refused: int = 0
) -> None:
    named = await office.names(STAND, [names])
    stand = {named[id]: status for id, status in await office.rows(f"SELECT id, status FROM messages {STAND}", [names])}
    assert len(stand) == len(names) + len(names) // 3
    seen = {nonce: arrived[nonce] for nonce in stand if arrived[nonce]}
    assert set(seen.values()) <= {1}, "sent twice"
    for nonce, status in stand.items():
        assert status in ("sent", "unknown", *NEVER)
        assert status != "sent" or nonce in seen, "sent, but it never arrived"
        assert status != "unknown" or nonce in may_have_gone, f"in doubt, though it can't have gone: {nonce}"
        assert status not in NEVER or nonce not in seen
    assert sum(status in NEVER for status in stand.values()) <= refused


@pytest.mark.parametrize(("channel", "lanes"), [("sendgrid", 1), ("smtp", 1), ("sendgrid", 2), ("sendgrid", 3)])
@pytest.mark.timeout(1800)
async def test_at_every_await(  # noqa: PLR0917 - fixtures
    office: Office, doomed: Doomed, sendgrid_server: SendGridStandIn, smtp_server: SmtpStandIn, channel: str, lanes: int
):
    provider = sendgrid_server.url if channel == "sendgrid" else str(smtp_server.port)
    how = {"channel": channel, "lanes": lanes}
    at, tried = 1, 0
    while True:
        names = await ask_for(office, f"{channel}{at}-{tried}" if tried else f"{channel}{at}-0", 6)
        awaits, begun = await killed(office, doomed, provider, at, **how)
        doomed.send(provider, **how)
        await require_once(office, names, accepted(sendgrid_server, smtp_server), begun)
        forget_accepted(sendgrid_server, smtp_server)
        if awaits:
            break
        tried, at = tried + 1, at + STRIDE
    assert tried > 20 // STRIDE


@pytest.mark.timeout(7200)
async def test_at_random_awaits_of_random_runs(
    office: Office, doomed: Doomed, sendgrid_server: SendGridStandIn, smtp_server: SmtpStandIn
):
    for run in range(FIRST, FIRST + RUNS):
        rng = random.Random(20261126 + run)
        channel, most = rng.choice([("sendgrid", 1), ("sendgrid", 1000), ("smtp", 1)])
        how = {"channel": channel, "most": most, "lanes": rng.choice([1, 2, 3])}
        provider = sendgrid_server.url if channel == "sendgrid" else str(smtp_server.port)
        names = await ask_for(office, f"r{run}" if run > FIRST else f"r{run}-0", rng.randint(3, 40))
        misbehaves(rng, sendgrid_server, smtp_server, names)
        doubts: set[str] = set()
        for _ in range(rng.randint(1, 3)):
            _, begun = await killed(office, doomed, provider, rng.randint(1, 120), **how)
            doubts |= begun
        sendgrid_server.script.clear()
        sendgrid_server.script_for.clear()
        smtp_server.script_for.clear()
        for _ in range(3):
            await office.change(DUE)
            await office.change("DELETE FROM channel_rests")
            doomed.send(provider, **how)
        await require_once(office, names, accepted(sendgrid_server, smtp_server), doubts, refused=2 * len(names))
        forget_accepted(sendgrid_server, smtp_server)


def misbehaves(rng: random.Random, server: SendGridStandIn, mail_server: SmtpStandIn, names: list[str]) -> None:
    """Some answers come late, not at all, or say no."""
    odd = [Answer(500), Answer(drop="before"), Answer(drop="after"), Answer(400), Answer(delay=0.02), Answer(429)]
    said = [Reply("RCPT", "450 later"), Reply("DATA"), Reply("DATA", keeps=True), Reply("RCPT", "550 no such user")]
    for name in rng.sample(names, k=len(names) // 4):
        server.script_for[f"{name}@example.com"] = [rng.choice(odd)]
        mail_server.script_for[f"{name}@example.com"] = [rng.choice(said)]
