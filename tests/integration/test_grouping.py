"""HR's alerts: those of one kind that come together are one mail, and there is a cap; on a real Postgres."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from notifications.sending import grouping
from notifications.sending.grouping import CAP
from storage.messages.transitions import TOLD_WITH
from tests.facts import event, hired, opened, retraction, signed_up, target
from tests.integration.office import Office

HOUR = timedelta(hours=1, seconds=1)


def offers(*numbers: int) -> list[dict[str, Any]]:
    known = [signed_up(f"c{n}", name=f"Li {n}", email=f"c{n}@example.com") for n in numbers]
    terms = {"employer": "huayou", "position": "Engineer"}
    return known + [event("offer.extended", candidate=f"c{n}", offer=f"o{n}", **terms) for n in numbers]


def answer(n: int, how: str = "accepted", **more: Any) -> dict[str, Any]:
    return event(f"offer.{how}", candidate=f"c{n}", offer=f"o{n}", **{"time": "2026-04-01T09:00:00+08:00", **more})


async def mails(office: Office, kind: str = "offer_answered") -> list[str]:
    query = "SELECT text FROM mails JOIN messages m ON m.id = message WHERE kind = %s ORDER BY message"
    return [text for (text,) in await office.rows(query, [kind])]


async def hr_statuses(office: Office, kind: str = "offer_answered") -> dict[str, int]:
    return dict(await office.rows("SELECT status, count(*) FROM messages WHERE kind = %s GROUP BY 1", [kind]))


async def test_one_mail_tells_of_three_hundred_acceptances_in_an_hour(office: Office):
    numbers = range(300)
    await office.tell(opened(locale="en"), *offers(*numbers))
    await office.tell(answer(0))
    await office.sender().send_all()
    assert "1 accepted, 0 declined" in (await mails(office))[0]
    await office.tell(*[answer(n, "declined" if n % 10 == 0 else "accepted") for n in numbers[1:]])
    for _ in range(3):
        await office.sender().send_all()
    assert len(await mails(office)) == 1
    await office.change(
        "UPDATE messages SET sent_at = sent_at - interval '1 hour', not_before = not_before - "
        "interval '1 hour' WHERE kind = 'offer_answered'"
    )
    await office.sender().send_all()
    _, second = await mails(office)
    assert "270 accepted, 29 declined" in second
    assert "And 269 more." in second
    assert await hr_statuses(office) == {"sent": 300}
    told = await office.rows("SELECT count(*) FROM messages WHERE starts_with(reason, %s)", [TOLD_WITH])
    assert told == [(298,)]


@pytest.mark.parametrize("ids", ["ab", "ba"])
async def test_the_last_word_alone_is_told_and_no_answer_that_was_retracted(office: Office, ids: str):
    await office.tell(opened(locale="en"), *offers(1, 2))
    await office.tell(
        answer(1, time="2026-04-01T09:00:00+08:00", id=ids[0]),
        answer(1, "declined", time="2026-04-02T09:00:00+08:00", id=ids[1], reason="too far"),
        answer(2, id="wrong"),
        retraction("wrong", candidate="c2"),
    )
    await office.sender().send_all()
    [mail] = await mails(office)
    assert "0 accepted, 1 declined" in mail
    assert "declined: Engineer at huayou (too far)" in mail
    assert "Li 2" not in mail


async def test_campaigns_do_not_wait_for_one_another(office: Office):
    there = [each | {"data": {**each["data"], "campaign": "b"}, "id": f"b{n}"} for n, each in enumerate(offers(1))]
    mine, theirs = answer(1), answer(1)
    theirs["data"]["campaign"] = "b"
    await office.tell(opened(), opened(campaign="b"), *offers(1), *there, mine, theirs)
    await office.sender().send_all()
    assert len(await mails(office)) == 2


async def test_many_offers_that_bounce_are_one_mail(office: Office):
    await office.tell(opened(locale="en"), *offers(*range(5)))
    await office.change("UPDATE messages SET status = 'failed' WHERE kind = 'offer'")
    ids = [id for (id,) in await office.rows("SELECT id FROM messages WHERE kind = 'offer'")]
    from storage.messages import offer_alerts

    async with office.pool.connection() as conn:
        assert await offer_alerts.tell_hr(conn, ids, ["failed"]) == 5
    await office.sender().send_all()
    [mail] = await mails(office, "offer_bounced")
    assert all(f"Li {n}" in mail for n in range(5))
    assert await hr_statuses(office, "offer_bounced") == {"sent": 5}


async def test_what_is_told_with_another_fails_with_it(office: Office):
    class Refusing:
        name, keeps, portion, lease = "sendgrid", False, 50, 60.0

        async def send(self, mails: list[Any], begin: Any = None) -> list[Any]:
            from notifications.channels.port import Outcome

            return [Outcome("unknown", "who knows") for _ in mails]

        def at_once(self, mails: list[Any]) -> list[Any]:
            return []

        async def close(self) -> None: ...

    await office.tell(opened(), *offers(1, 2, 3), answer(1), answer(2), answer(3))
    await office.sender(Refusing(), hr_email="hr@park.example").send_all()
    assert await hr_statuses(office) == {"unknown": 3}


async def test_no_more_than_a_cap_of_other_alerts_goes_in_an_hour(office: Office, monkeypatch: pytest.MonkeyPatch):
    assert CAP >= 10
    monkeypatch.setattr(grouping, "CAP", 7)
    await office.tell(opened(), *[target(f"t{n}", goal=1) for n in range(3)], hired("c1"))
    for _ in range(3):
        await office.sender().send_all()
    statuses = dict(await office.rows("SELECT status, count(*) FROM messages WHERE candidate IS NULL GROUP BY 1"))
    assert statuses == {"sent": 7, "requested": 8}
    await office.change(
        "UPDATE messages SET sent_at = sent_at - interval '1 hour', not_before = not_before - "
        "interval '1 hour' WHERE candidate IS NULL"
    )
    await office.sender().send_all()
    statuses = dict(await office.rows("SELECT status, count(*) FROM messages WHERE candidate IS NULL GROUP BY 1"))
    assert statuses == {"sent": 14, "requested": 1}


@pytest.mark.parametrize("erased", [1, 2])
async def test_a_mail_that_tells_of_somebody_who_was_erased_is_not_kept(office: Office, erased: int):
    await office.tell(opened(locale="en"), *offers(1, 2))
    await office.tell(answer(1), answer(2, "declined"))
    await office.sender().send_all()
    assert len(await mails(office)) == 1
    await office.tell(event("candidate.erased", candidate=f"c{erased}", time="2026-06-01T00:00:00Z"))
    assert await mails(office) == []
