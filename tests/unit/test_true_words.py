"""Every word true: what each kind of message says is checked against what stands when it would go. Kind × world."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from notifications.sending import composing
from notifications.sending.rendering import LOCALES
from notifications.sending.signed_links import Links
from notifications.sending.situation import NotNow, Situation, Writer
from schemas.catalogue import CATALOGUE
from schemas.facts import validate_event
from schemas.kinds import BY_NAME, KINDS, TELLING_OF_SEATS
from schemas.messages import SeatWord
from schemas.texts import LANGS, texts_of
from storage.messages.background import Background
from storage.messages.claiming import Claimed
from storage.messages.seat_words import Seat
from tests.facts import alive, event, signed_up
from tests.renderer import RENDERER
from yinfeng.web.pages import ROOMS

START = datetime(2026, 3, 9, 1, tzinfo=UTC)  # nine in the morning there
NOW = datetime(2026, 3, 8, 5, tzinfo=UTC)
AFTER = START + timedelta(hours=9)
EXPIRED = datetime(2026, 3, 20, 1, tzinfo=UTC)
LINKS = Links(b"0" * 32, "https://park.example")
WRITER = Writer("引凤", "https://park.example", "hr@park.example")
OFFER = {"offer": "o1", "employer": "huayou", "position": "Engineer", "expires_at": "2026-03-20T00:00:00Z"}
RENT = {"benefit": "b1", "kind": "rent_subsidy", "amount": 1200}
STARTED = {"employer": "huayou", "started_on": "2026-03-05"}
PASSED = {"employer": "huayou", "outcome": "passed"}
BEFORE = {"starts_at": START.isoformat(), "venue": "Hall", "city": "Wuhan", "mode": "onsite"}


def fact(type: str, hour: int = 12, **data: Any) -> dict[str, Any]:
    return event(type, time=f"2026-03-08T{hour:02}:00:00+08:00", candidate="c1", **data)


HEARD = 1772930000000000  # on the morning of the 8th of March, before anything of these worlds


# Kind → the facts that it rests on, and its params.
GROUNDS: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "signup_confirmation": ([], {"fair": "f1"}),
    "waitlisted": ([], {"fair": "f1"}),
    "moved_up": ([], {"fair": "f1"}),
    "moved_back": ([], {"fair": "f1"}),
    "own_page": ([], {}),
    "keep_data": ([], {"hidden_on": "2027-01-01", "erased_on": "2027-07-01", "heard": HEARD}),
    "signup_check": ([], {"fair": "f1", "to": "c1@example.com", "name": "Li", "locale": "en"}),
    "fair_reminder": ([], {"fair": "f1", "notice": "24h"}),
    "fair_rescheduled": ([], {"fair": "f1", "before": BEFORE}),
    "fair_cancelled": ([], {"fair": "f1"}),
    "thanks": ([fact("candidate.checked_in", 8, fair="f1")], {"fair": "f1"}),
    "interview_result": ([fact("candidate.interviewed", 8, **PASSED)], PASSED),
    "offer": ([fact("offer.extended", 8, **OFFER)], OFFER),
    "offer_expiring": ([fact("offer.extended", 8, **OFFER)], OFFER),
    "offer_rescinded": (
        [fact("offer.extended", 8, **OFFER), fact("offer.rescinded", 9, offer="o1")],
        {"offer": "o1"},
    ),
    "welcome": ([fact("hire.started", 8, **STARTED)], STARTED),
    "benefit_available": ([fact("hire.started", 8, **STARTED)], STARTED),
    "benefit_verified": ([fact("benefit.verified", 8, **RENT)], RENT),
    "benefit_paid": ([fact("benefit.paid", 8, **RENT)], RENT),
    "offer_accepted": (
        [fact("offer.extended", 8, **OFFER), fact("offer.accepted", 9, offer="o1")],
        {"offer": "o1"},
    ),
    "offer_declined": (
        [fact("offer.extended", 8, **OFFER), fact("offer.declined", 9, offer="o1")],
        {"offer": "o1", "reason": "another offer"},
    ),
    "offer_expired": ([fact("offer.extended", 8, **OFFER)], OFFER),
}
ALL = set(GROUNDS)
OF_SEATS = {"waitlisted", "moved_up", "moved_back"}
FAIR = OF_SEATS | {"signup_confirmation", "fair_reminder", "fair_rescheduled", "fair_cancelled"}
OFFERS = {"offer", "offer_expiring"}
TO_EMPLOYERS = {"offer_accepted", "offer_declined", "offer_expired"}
HEARD_OF = {"keep_data"}  # is told of those alone who were not heard of since
CALLED_OFF = {"fair_cancelled"}  # is told of a cancelled fair alone

# What happened since → the facts, what else is otherwise, and the kinds that are told no more.
WORLDS: dict[str, tuple[list[dict[str, Any]], dict[str, Any], set[str]]] = {
    "as it was": ([], {}, CALLED_OFF),
    "withdrew": ([fact("candidate.withdrew")], {}, FAIR | OFFERS | HEARD_OF | {"interview_result", "offer_expired"}),
    "erased": ([fact("candidate.erased")], {}, ALL),
    "restricted": ([fact("candidate.restricted", ground="law")], {}, ALL - {"own_page"}),
    "fair cancelled": ([], {"cancelled": True}, OF_SEATS | {"fair_reminder", "fair_rescheduled", "signup_check"}),
    "fair over": ([], {"now": AFTER}, FAIR | {"signup_check"}),
    "offer declined": (
        [fact("offer.declined", offer="o1")],
        {},
        OFFERS | {"offer_rescinded", "offer_accepted", "offer_expired"} | CALLED_OFF | HEARD_OF,
    ),
    "offer accepted": (
        [fact("offer.accepted", offer="o1")],
        {},
        OFFERS | {"offer_rescinded", "offer_declined", "offer_expired"} | CALLED_OFF | HEARD_OF,
    ),
    "offer withdrawn": ([fact("offer.rescinded", offer="o1")], {}, OFFERS | TO_EMPLOYERS | CALLED_OFF | HEARD_OF),
    "offer on other terms": (
        [fact("offer.extended", **{**OFFER, "position": "Chemist"})],
        {},
        OFFERS | TO_EMPLOYERS | {"offer_rescinded"} | CALLED_OFF | HEARD_OF,
    ),
    "consent withdrawn": ([], {"seen": False}, TO_EMPLOYERS | CALLED_OFF),
    "no address of the employer": ([], {"reply_to": None}, TO_EMPLOYERS | CALLED_OFF),
    "started there": (
        [fact("hire.started", **STARTED)],
        {},
        {"offer_expiring", "offer_expired"} | CALLED_OFF | HEARD_OF,
    ),
    "hire over": (
        [fact("hire.ended", employer="huayou", ended_on="2026-03-08")],
        {},
        {"welcome", "benefit_available"} | CALLED_OFF | HEARD_OF,
    ),
    "failed after all": (
        [fact("candidate.interviewed", employer="huayou", outcome="failed")],
        {},
        {"interview_result"} | CALLED_OFF | HEARD_OF,
    ),
    "benefit refused": (
        [fact("benefit.refused", benefit="b1", kind="rent_subsidy")],
        {},
        {"benefit_verified", "benefit_paid", "benefit_available"} | CALLED_OFF | HEARD_OF,
    ),
    "payment retracted": (
        [fact("benefit.verified", **RENT)],
        {"without": "benefit.paid"},
        {"benefit_paid", "benefit_available"} | CALLED_OFF | HEARD_OF,
    ),
}


def situation(kind: str, world: str, locale: str = "en", seat: Seat | None = None) -> Situation:
    facts, params = GROUNDS[kind]
    if kind == "signup_check":
        params = {**params, "locale": locale}
    since, other, _ = WORLDS[world]
    kept = [each for each in facts if each["type"] != other.get("without")]
    signup = signed_up(
        "c1", name="Li", email="c1@example.com", fair="f1", time="2026-03-01T08:00:00+08:00", locale=locale
    )
    journey = alive([validate_event(each) for each in [signup, *kept, *since]])
    row = {
        "campaign": "grads-2026", "fair": "f1", "title": "Spring fair", "mode": "onsite", "starts_at": START,
        "ends_at": START + timedelta(hours=7), "venue": "Hall 2", "city": "Wuhan", "url": None, "reason": None,
        "cancelled": other.get("cancelled", False), "changes": 0,
    }  # fmt: skip
    campaign = {
        "campaign": "grads-2026", "title": "Graduates", "organizer": "Park", "locale": locale,
        "reply_to": "hr@park.example", "contact": "0570-1",
    }  # fmt: skip
    employer = {
        "employer": "huayou", "name": "华友钴业", "name_en": "Huayou Cobalt", "contact": "0570-2",
        "reply_to": other.get("reply_to", "jobs@huayou.example"),
    }  # fmt: skip
    seat = seat or Seat(TELLING_OF_SEATS.get(kind, "seat"))
    background = Background(
        {"grads-2026": campaign},
        {("grads-2026", "f1"): row},
        {("grads-2026", "f1", "c1"): seat},
        employers={("grads-2026", "huayou"): employer},
        seen={("grads-2026", "huayou", "c1")} if other.get("seen", True) else (),
    )
    now = {"thanks": AFTER, "offer_expired": EXPIRED}.get(kind, other.get("now", NOW))
    return Situation(Claimed(1, kind, "grads-2026", "c1", params), journey, background, WRITER, LINKS, now)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("kind", GROUNDS)
def test_what_is_no_longer_so_is_not_told(kind: str, world: str):
    found = "told"
    try:
        composing.compose(situation(kind, world))
    except NotNow as why:
        found = why.status
    assert found == ("cancelled" if kind in WORLDS[world][2] else "told")


def known(stands: SeatWord, told: SeatWord | None, told_by: int | None) -> Seat:
    return Seat(stands, told, told_by, 1)


# The kind, how the seat stands, what was told of it last and by which message (this one is 1) → whether it is told, or
# what is instead.
WORDS: list[tuple[str, Seat, str]] = [
    ("signup_confirmation", known("seat", None, None), "told"),
    ("signup_confirmation", known("seat", "seat", 1), "told"),
    ("signup_confirmation", known("seat", "seat", 2), "nothing"),
    ("signup_confirmation", known("waiting", None, None), "waitlisted"),
    ("waitlisted", known("waiting", None, None), "told"),
    ("waitlisted", known("waiting", "waiting", 2), "nothing"),
    ("waitlisted", known("seat", None, None), "moved_up"),
    ("moved_up", known("seat", "waiting", 2), "told"),
    ("moved_up", known("seat", "seat", 2), "nothing"),
    ("moved_up", known("waiting", "waiting", 2), "nothing"),
    ("moved_back", known("waiting", "seat", 2), "told"),
    ("moved_back", known("waiting", "seat", 1), "told"),
    ("moved_back", known("waiting", "waiting", 2), "nothing"),
    ("moved_back", known("seat", "seat", 2), "nothing"),
]


@pytest.mark.parametrize(("kind", "stands", "expected"), WORDS)
def test_a_seat_is_told_as_it_stands_and_once(kind: str, stands: Seat, expected: str):
    found = "told"
    try:
        composing.compose(situation(kind, "as it was", seat=stands))
    except NotNow as why:
        found = why.instead.kind if why.instead else {"cancelled": "nothing"}[why.status]
    assert found == expected


def test_every_kind_to_candidates_and_employers_is_in_the_table():
    assert {kind.name for kind in KINDS if kind.audience != "hr"} == ALL


def text(kind: str, world: str = "as it was", locale: str = "en", seat: Seat | None = None, **params: Any) -> str:
    at = situation(kind, world, locale, seat)
    at = replace(at, message=msgspec.structs.replace(at.message, params={**at.message.params, **params}))
    letter = composing.compose(at)
    mail = RENDERER.render(kind, letter.locale, letter.values)
    return f"{mail.subject}\n{mail.text}"


def test_who_waits_is_shown_no_ticket():
    assert "ticket" in text("fair_rescheduled")
    assert "ticket" not in text("fair_rescheduled", seat=Seat("waiting"))


def test_nobody_is_bidden_to_a_fair_that_is_cancelled():
    said = text("signup_confirmation", "fair cancelled")
    assert "has been cancelled" in said
    assert "Bring" not in said
    assert "请携带" not in text("signup_confirmation", "fair cancelled", "zh-CN")


def test_a_fair_that_is_on_again_is_no_new_arrangement():
    before = {**BEFORE, "venue": "Hall 2", "cancelled": True}
    assert "takes place after all" in text("fair_rescheduled", before=before)
    assert "现恢复举办" in text("fair_rescheduled", locale="zh-CN", before=before)


def test_a_change_says_from_what_to_what():
    assert "地点由 Wuhan Hall 改为 Wuhan Hall 2。" in text("fair_rescheduled", locale="zh-CN")
    said = text("fair_rescheduled")
    assert "The place changed from Hall, Wuhan to Hall 2, Wuhan." in said
    assert "The time changed" not in said


def test_a_reminder_says_tomorrow():
    assert "begins tomorrow at 09:00" in text("fair_reminder")
    assert "明天 09:00开始" in text("fair_reminder", locale="zh-CN")


def test_a_rejection_waits_for_the_morning():
    at = situation("interview_result", "failed after all")
    failed = msgspec.structs.replace(at.message, params={"employer": "huayou", "outcome": "failed"})
    with pytest.raises(NotNow, match="morning") as why:
        composing.compose(replace(at, now=NOW.replace(hour=18), message=failed))
    assert why.value.status == "requested"


OLD_WORDS = (
    "候选人",
    "这封信",
    "写信",
    "录用意向",
    "岗位",
    "补助",
    "谢绝",
    "均匀",
    "下方按钮",
    "taken back",
    "found right",
)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", GROUNDS)
def test_one_term_for_each_thing(kind: str, locale: str):
    said = text(kind, "fair cancelled" if kind == "fair_cancelled" else "as it was", locale)
    assert not [word for word in OLD_WORDS if word in said]
    assert locale == "en" or ": " not in said


@pytest.mark.parametrize(("locale", "name"), [("zh-CN", "华友钴业"), ("en", "Huayou Cobalt")])
@pytest.mark.parametrize("kind", [kind for kind, (_, params) in GROUNDS.items() if {"employer", "offer"} & set(params)])
def test_an_employer_is_called_by_its_name_in_the_reader_s_language(kind: str, locale: str, name: str):
    said = text(kind, locale=locale)
    assert name in said
    assert "huayou" not in said


def test_an_employer_that_nobody_named_is_called_by_its_id():
    at = situation("offer", "as it was")
    unnamed = replace(at, background=replace(at.background, employers={}))
    assert composing.compose(unnamed).values["offer"]["employer"] == "huayou"


@pytest.mark.parametrize("kind", GROUNDS)
def test_a_mail_is_from_the_organizer_and_says_how_to_answer(kind: str):
    at = situation(kind, "fair cancelled" if kind == "fair_cancelled" else "as it was")
    letter = composing.compose(at)
    of_employer = BY_NAME[kind].answered_by == "employer"
    assert letter.from_name == "Park"
    assert letter.reply_to == ("jobs@huayou.example" if of_employer else "hr@park.example")
    mail = RENDERER.render(kind, letter.locale, letter.values)
    for said in (mail.text, mail.html):
        assert ("To reach Huayou Cobalt: 0570-2" in said) is of_employer
        assert "To reach Park: 0570-1" in said
        assert "reply to this mail" in said


def test_who_gave_no_address_is_not_said_to_be_answered():
    at = situation("thanks", "as it was")
    bare = {**at.campaign, "reply_to": None, "contact": None}
    letter = composing.compose(replace(at, background=replace(at.background, campaigns={"grads-2026": bare})))
    mail = RENDERER.render("thanks", letter.locale, letter.values)
    assert letter.reply_to is None
    assert "To reach" not in mail.text
    assert "reply to this mail" not in mail.text


def test_an_offer_that_expired_long_ago_or_not_yet_is_told_to_nobody():
    at = situation("offer_expired", "as it was")
    for now, status in ((EXPIRED - timedelta(days=1), "requested"), (EXPIRED + timedelta(days=8), "cancelled")):
        with pytest.raises(NotNow) as why:
            composing.compose(replace(at, now=now))
        assert why.value.status == status


def test_a_mail_to_an_employer_goes_to_the_address_that_it_gave():
    letter = composing.compose(situation("offer_declined", "as it was", "zh-CN"))
    assert (letter.to, letter.to_name) == ("jobs@huayou.example", "华友钴业")
    said = RENDERER.render("offer_declined", letter.locale, letter.values)
    assert "another offer" in said.text
    assert "Li" in said.subject


@pytest.mark.parametrize("words", OLD_WORDS)
def test_pages_have_one_term_for_each_thing_too(words: str):
    texts = texts_of(*ROOMS)
    told = [(key, text) for key in texts for lang in LANGS for text in texts.forms(lang, key)]
    told += [(row.name, f"{row.meaning} {row.meaning_zh}") for row in CATALOGUE.values()]
    assert [key for key, text in told if words in text.casefold()] == []
