"""Addresses to which nothing goes, messages in doubt for long, and what HR does about both; on a real Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from notifications.channels.port import Mail, Outcome
from notifications.sending import doubts, hr_steps, suppressing
from notifications.sending.doubts import PATIENCE
from schemas.errors import Conflict, NotFound, Refused
from storage.database import Conn
from storage.messages import offer_alerts, provider_events, suppressions
from storage.messages.provider_events import DAYS_KEPT, Noted
from storage.messages.suppressions import Wish
from tests.facts import event, opened, signed_up
from tests.integration.office import Office

LATER = "2026-04-01T00:00:00Z"
LONG_AGO = f"UPDATE message_attempts SET at = at - interval '{PATIENCE + 60} seconds'"
OFFER = {"offer": "o1", "employer": "huayou", "position": "Engineer"}


@pytest.fixture
async def conn(office: Office) -> AsyncIterator[Conn]:
    async with office.pool.connection() as borrowed:
        yield borrowed


def person(candidate: str, **more: Any) -> dict[str, Any]:
    return signed_up(candidate, **{"email": f"{candidate}@example.com", **more})


def offer(candidate: str, **more: Any) -> dict[str, Any]:
    return event("offer.extended", candidate=candidate, **OFFER, **more)


def wish(address: str, kind: Any = "hard_bounce", message: int | None = None) -> Wish:
    return Wish(address, kind, message, "550 no such user")


class Provider:
    """A channel that answers the same to all, and what it was asked to send."""

    name, keeps, portion, lease = "sendgrid", False, 200, 60.0

    def __init__(self, *answers: str) -> None:
        self._answers, self.sent = list(answers), []

    async def send(self, mails: list[Mail], begin: Any = None) -> list[Outcome]:
        self.sent += [(mail.id, mail.to) for mail in mails]
        status: Any = self._answers.pop(0) if self._answers else "sent"
        return [Outcome(status, None if status == "sent" else "so it was said") for _ in mails]

    def at_once(self, mails: list[Mail]) -> list[Mail]:
        return []

    async def close(self) -> None: ...


async def kinds(office: Office) -> dict[str, str]:
    return dict(await office.rows("SELECT kind, status FROM messages ORDER BY id"))


async def log(office: Office, id: int = 1) -> list[str]:
    query = "SELECT status FROM message_attempts WHERE message = %s ORDER BY id"
    return [status for (status,) in await office.rows(query, [id])]


async def test_what_was_asked_for_before_the_bounce_is_stopped_when_it_would_go(office: Office, conn: Conn):
    await office.tell(opened(), person("c1", email="Li@Example.com"), person("c2"))
    await suppressions.add(conn, [wish("LI@example.com")])
    provider = Provider()
    await office.sender(provider).send_all()
    assert [to for _, to in provider.sent] == ["c2@example.com"]
    status, reason = await office.status_of("c1")
    assert (status, "mail to this address came back on" in (reason or "")) == ("suppressed", True)
    assert await office.rows("SELECT recipient FROM messages WHERE candidate = 'c1'") == [("Li@Example.com",)]
    assert await office.sender(provider).send_all() == 0


@pytest.mark.parametrize(("kind", "goes"), [("hard_bounce", False), ("complaint", False), ("unsubscribe", True)])
async def test_an_offer_goes_to_whoever_unsubscribed_and_to_nobody_else_suppressed(
    office: Office, conn: Conn, kind: str, goes: bool
):
    await office.tell(opened(), person("c1"), offer("c1"))
    await suppressions.add(conn, [wish("c1@example.com", kind)])
    await office.sender(Provider()).send_all()
    found = await kinds(office)
    assert found["offer"] == ("sent" if goes else "suppressed")
    assert found.get("offer_bounced") == (None if goes else "sent")


async def test_marketing_stops_where_somebody_unsubscribed(office: Office, conn: Conn, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(suppressing, "MARKETING", frozenset({"signup_confirmation"}))
    await office.tell(opened(), person("c1"), offer("c1"))
    await suppressions.add(conn, [wish("c1@example.com", "unsubscribe")])
    await office.sender(Provider()).send_all()
    assert await kinds(office) == {"signup_confirmation": "suppressed", "offer": "sent"}


async def test_hr_reads_on_whatever_became_of_its_address(office: Office, conn: Conn):
    await office.tell(opened(), person("c1"), offer("c1"))
    await suppressions.add(conn, [wish("hr@park.example"), wish("c1@example.com")])
    provider = Provider()
    await office.sender(provider, hr_email="hr@park.example").send_all()
    assert [to for _, to in provider.sent] == ["hr@park.example"]
    assert (await kinds(office))["offer_bounced"] == "sent"


async def test_lifted_with_a_reason_all_that_waited_goes(office: Office, conn: Conn):
    await office.tell(opened(), person("c1"), offer("c1"), person("c2"))
    await suppressions.add(conn, [wish("c1@example.com"), wish("c1@example.com", "complaint"), wish("c2@example.com")])
    provider = Provider()
    await office.sender(provider).send_all()
    assert provider.sent == []
    freed = await suppressions.lift(conn, " C1@example.com ", by="Li", reason="the mailbox was full")
    assert len(freed) == 2
    await office.sender(provider).send_all()
    assert [to for _, to in provider.sent] == ["c1@example.com"] * 2
    assert (await office.status_of("c2"))[0] == "suppressed"
    assert await log(office, freed[0]) == ["claimed", "suppressed", "requested", "claimed", "sent"]
    notes = await office.rows("SELECT DISTINCT detail FROM message_attempts WHERE status = 'requested'")
    assert notes == [("suppression lifted by Li",)]
    lifted = [each for each in await suppressions.listed(conn, lifted=True) if each.lifted_at]
    assert {(each.address, each.lifted_by, each.lifted_reason) for each in lifted} == {
        ("c…@example.com", "Li", "the mailbox was full")
    }
    with pytest.raises(NotFound, match="yinfeng suppressions list"):
        await suppressions.lift(conn, "c1@example.com", by="Li", reason="again")


async def test_after_a_lift_a_new_bounce_suppresses_anew(office: Office, conn: Conn):
    assert await suppressions.add(conn, [wish("c1@example.com"), wish("C1@example.com")]) == 1
    assert await suppressions.add(conn, [wish("c1@example.com")]) == 0
    await suppressions.lift(conn, "c1@example.com", by="Li", reason="mended")
    assert await suppressions.of(conn, ["c1@example.com"]) == {}
    assert await suppressions.add(conn, [wish("c1@example.com")]) == 1
    assert len(await suppressions.listed(conn)) == 1
    assert len(await suppressions.listed(conn, lifted=True)) == 2


@pytest.mark.parametrize(("answer", "ends"), [("failed", "failed"), ("requested", "sent"), ("unknown", "unknown")])
async def test_our_own_faults_suppress_nobody(office: Office, conn: Conn, answer: str, ends: str):
    await office.tell(opened(), person("c1"))
    await office.sender(Provider(answer)).send_all()
    assert (await suppressions.listed(conn), await office.statuses()) == ([], {ends: 1})


@pytest.mark.parametrize(("first", "last"), [("c1", "c9"), ("c9", "c1")])
async def test_an_address_that_another_person_has_too_is_known_until_both_are_erased(
    office: Office, conn: Conn, first: str, last: str
):
    other = person("c9", email="c1@example.com") | {"id": "other"}
    await office.tell(opened(), person("c1"), other)
    await office.sender().send_all()
    await suppressions.add(conn, [wish("c1@example.com", message=1)])
    await office.tell(event("candidate.erased", candidate=first, time=LATER))
    assert len(await suppressions.listed(conn)) == 1
    await office.tell(event("candidate.erased", candidate=last, time=LATER))
    assert await suppressions.listed(conn) == []
    assert await office.rows("SELECT status FROM messages WHERE forgotten IS NOT TRUE") == []


async def test_what_waits_for_a_suppressed_address_is_cancelled_with_its_person(office: Office, conn: Conn):
    await suppressions.add(conn, [wish("c1@example.com")])
    await office.tell(opened(), person("c1"))
    await office.sender().send_all()
    await office.tell(event("candidate.erased", candidate="c1", time=LATER))
    assert await office.statuses() == {"cancelled": 1}


async def test_an_offer_that_is_refused_is_told_to_hr_once_a_try(office: Office, conn: Conn):
    await office.tell(opened(), person("c1"), offer("c1"))
    await office.change("DELETE FROM messages WHERE kind <> 'offer'")
    provider = Provider("failed", "failed")
    await office.sender(provider).send_all()
    for _ in range(3):
        [(id,)] = await office.rows("SELECT id FROM messages WHERE kind = 'offer'")
        assert await offer_alerts.tell_hr(conn, [id], ["failed"]) == 0
    await hr_steps.resend(conn, id, by="Li", reason="mended")
    await office.sender(provider).send_all()
    assert await office.rows("SELECT count(*) FROM messages WHERE kind = 'offer_bounced'") == [(2,)]


async def in_doubt(office: Office, conn: Conn, provider: Provider, *facts: dict[str, Any]) -> None:
    await office.tell(opened(), person("c1"), *facts)
    await office.sender(provider).send_all()
    assert await doubts.settle(conn) == 0  # it is not long yet


async def test_hr_is_asked_once_about_an_offer_in_doubt(office: Office, conn: Conn):
    await in_doubt(office, conn, Provider("unknown"), offer("c1"))
    await office.change(LONG_AGO)
    settled = [await doubts.settle(conn) for _ in range(3)]
    assert settled == [2, 0, 0]
    found = await kinds(office)
    assert (found["offer"], found["offer_bounced"]) == ("unknown", "requested")
    [(params,)] = await office.rows("SELECT params FROM messages WHERE kind = 'offer_bounced'")
    assert params["status"] == "unknown"
    [(id, reason)] = await office.rows("SELECT id, reason FROM messages WHERE kind = 'offer'")
    assert reason.startswith("still in doubt")
    assert await log(office, id) == ["claimed", "unknown", "unknown"]


async def test_a_confirmation_in_doubt_goes_once_more_and_no_third_time(office: Office, conn: Conn):
    provider = Provider("unknown", "unknown")
    await in_doubt(office, conn, provider)
    for _ in range(3):
        await office.change(LONG_AGO)
        await doubts.settle(conn)
        await office.sender(provider).send_all()
    assert len(provider.sent) == 2
    assert await office.statuses() == {"failed": 1}
    assert await log(office) == ["claimed", "unknown", "requested", "claimed", "unknown", "failed"]


async def test_two_workers_that_look_at_once_settle_each_doubt_once(office: Office, conn: Conn):
    provider = Provider("unknown")
    await in_doubt(office, conn, provider, *[person(f"c{n}") for n in range(2, 40)])
    await office.change(LONG_AGO)

    async def settle() -> int:
        async with office.pool.connection() as own:
            return await doubts.settle(own)

    assert sum(await asyncio.gather(settle(), settle(), settle())) == 39
    assert await office.rows("SELECT count(*) FROM message_attempts WHERE status = 'requested'") == [(39,)]


async def test_other_kinds_stay_in_doubt_and_are_looked_at_once(office: Office, conn: Conn):
    await office.tell(
        opened(), person("c1"), event("benefit.paid", candidate="c1", benefit="b", kind="rent_subsidy", amount=1)
    )
    await office.change("DELETE FROM messages WHERE kind <> 'benefit_paid'")
    await office.sender(Provider("unknown")).send_all()
    await office.change(LONG_AGO)
    assert [await doubts.settle(conn), await doubts.settle(conn)] == [1, 0]
    assert await office.statuses() == {"unknown": 1}


async def test_what_can_not_be_told_again_is_no_longer_remembered(office: Office, conn: Conn):
    await provider_events.note(conn, [Noted(f"e{n}", f"f{n}", "open", None, "foreign") for n in range(3)])
    await provider_events.count(conn, [Noted("e0", "f0", "open", None, "foreign")])
    await office.change(
        f"UPDATE provider_events SET received_at = now() - interval '{DAYS_KEPT + 1} days' WHERE event <> 'e0'"
    )
    await office.change(
        f"INSERT INTO provider_event_days SELECT day - {DAYS_KEPT}, name, finding, 2 FROM provider_event_days"
    )
    assert await provider_events.counted(conn) == {("open", "foreign"): 1}
    await doubts.settle(conn)
    assert await office.rows("SELECT event FROM provider_events") == [("e0",)]
    assert await office.rows("SELECT number FROM provider_event_days") == [(1,)]


async def test_what_hr_resends_goes_with_the_reason_kept(office: Office, conn: Conn):
    await office.tell(opened(), person("c1"))
    provider = Provider("failed")
    await office.sender(provider).send_all()
    await hr_steps.resend(conn, 1, by="Li", reason=" the template\nwas mended ")
    await office.sender(provider).send_all()
    assert await log(office) == ["claimed", "failed", "requested", "claimed", "sent"]
    [(detail,)] = await office.rows("SELECT detail FROM message_attempts WHERE status = 'requested'")
    assert detail == "resent by Li: the template was mended"


@pytest.mark.parametrize("answer", ["unknown", "sent"])
async def test_what_may_be_there_already_goes_again_by_force_alone(office: Office, conn: Conn, answer: str):
    await office.tell(opened(), person("c1"))
    provider = Provider(answer)
    await office.sender(provider).send_all()
    with pytest.raises(Conflict, match="--force"):
        await hr_steps.resend(conn, 1, by="Li", reason="asked for")
    assert await office.sender(provider).send_all() == 0
    await hr_steps.resend(conn, 1, by="Li", reason="asked for", force=True)
    await office.sender(provider).send_all()
    assert len(provider.sent) == 2
    assert await office.statuses() == {"sent": 1}


async def test_what_hr_cancels_does_not_go(office: Office, conn: Conn):
    await office.tell(opened(), person("c1"), person("c2"))
    await hr_steps.cancel(conn, 1, by="Li", reason="wrong person")
    provider = Provider()
    await office.sender(provider).send_all()
    assert [id for id, _ in provider.sent] == [2]
    assert await office.rows("SELECT status, reason FROM messages WHERE id = 1") == [
        ("cancelled", "cancelled by Li: wrong person")
    ]
    with pytest.raises(Conflict, match="is sent"):
        await hr_steps.cancel(conn, 2, by="Li", reason="too late")


async def test_what_can_not_be_done_is_said(office: Office, conn: Conn):
    await office.tell(opened(), person("c1"))
    with pytest.raises(NotFound):
        await hr_steps.resend(conn, 99, by="Li", reason="why not")
    with pytest.raises(Refused, match="say why"):
        await hr_steps.cancel(conn, 1, by="Li", reason="  ")
    with pytest.raises(Conflict, match="on its way"):
        await hr_steps.resend(conn, 1, by="Li", reason="hurry", force=True)
    await office.sender().send_all()
    await office.tell(event("candidate.erased", candidate="c1", time=LATER))
    with pytest.raises(Conflict, match="forgotten"):
        await hr_steps.resend(conn, 1, by="Li", reason="again", force=True)
