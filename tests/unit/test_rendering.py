"""Every kind of mail in every language: what it says, how it escapes, and what stops it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.sending import composing
from notifications.sending.budget import MOST_TURNS
from notifications.sending.composing import Letter
from notifications.sending.rendering import LOCALES, Rendered
from notifications.sending.signed_links import Links
from notifications.sending.situation import NotNow, Situation, Writer, employer_of
from schemas.errors import SendRefused
from schemas.facts import validate_event
from schemas.journey import Journey
from schemas.kinds import AUDIENCES, TELLING_OF_SEATS, TEMPLATED
from schemas.messages import OFFER_TROUBLE
from storage.messages.background import Background
from storage.messages.claiming import Claimed
from storage.messages.seat_words import Seat
from tests.facts import alive, event, signed_up
from tests.renderer import RENDERER

LINKS = Links(b"0" * 32, "https://park.example")
WRITER = Writer("引凤", "https://park.example", "hr@park.example")
OURS = ("https://park.example/calendar/", "https://park.example/me/")
CASES = [(kind, locale) for kind in TEMPLATED for locale in LOCALES]
CHINESE = "欧阳思雨"
HOSTILE = '<script>alert("x")</script> & {{ 7 * 7 }} \'"'
OFFER = {"offer": "o1", "employer": "华友钴业", "position": "Chemist", "city": "桐乡"}
EXPIRES = "2026-06-30T16:00:00Z"
NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)
LATER = datetime(2026, 7, 1, 4, tzinfo=UTC)  # when the offer has expired
AFTER = datetime(2026, 3, 9, 4, tzinfo=UTC)  # when the fair is over
OFFERED = ("employer", "position", "city", "place", "salary", "starts", "contact", "papers", "expires")
RENT = {"benefit": "b1", "kind": "rent_subsidy", "amount": 1200, "currency": "CNY"}
TARGET = {"target": "t", "title": "2000 graduates", "goal": 2000, "progress": 1000, "percent": 50}


def compose(message: Claimed, journey: Journey, background: Background, now: datetime = NOW) -> Letter:
    return composing.compose(Situation(message, journey, background, WRITER, LINKS, now))


def campaign(locale: str = "zh-CN", **more: Any) -> dict[str, Any]:
    given = {"title": "2026 届毕业生", "organizer": "时代锂电材料产业园", "timezone": "Asia/Shanghai"}
    return {"campaign": "grads-2026", "locale": locale, **given, **more}


def fair(**more: Any) -> dict[str, Any]:
    return {
        "campaign": "grads-2026",
        "fair": "f1",
        "title": "武汉理工大学双选会",
        "mode": "onsite",
        "starts_at": datetime(2026, 3, 8, 1, tzinfo=UTC),
        "ends_at": datetime(2026, 3, 8, 8, tzinfo=UTC),
        "venue": "东院体育馆",
        "city": "武汉",
        "url": None,
        "cancelled": False,
        "reason": None,
        "changes": 0,
        **more,
    }


CAUSES = {
    "interview_result": "candidate.interviewed",
    "offer": "offer.extended",
    "offer_expiring": "offer.extended",
    "offer_rescinded": "offer.rescinded",
    "offer_answered": "offer.accepted",
    "offer_accepted": "offer.accepted",
    "offer_declined": "offer.declined",
    "offer_expired": "offer.extended",
    "thanks": "candidate.checked_in",
    "benefit_available": "hire.started",
    "welcome": "hire.started",
    "benefit_verified": "benefit.verified",
    "benefit_paid": "benefit.paid",
}


PARAMS: dict[str, dict[str, Any]] = {
    "signup_confirmation": {"fair": "f1"},
    "waitlisted": {"fair": "f1"},
    "moved_up": {"fair": "f1"},
    "moved_back": {"fair": "f1"},
    "own_page": {},
    "keep_data": {"hidden_on": "2027-01-01", "erased_on": "2027-07-01", "heard": 10**18},
    "signup_check": {"fair": "f1", "to": "c1@example.com", "name": CHINESE, "locale": "zh-CN"},
    "thanks": {"fair": "f1"},
    "benefit_available": {"employer": "华友钴业", "position": "Chemist", "started_on": "2026-07-01"},
    "offer_answered": {"offer": "o1"},
    "offer_accepted": {"offer": "o1"},
    "offer_declined": {"offer": "o1", "reason": "another offer"},
    "offer_expired": OFFER | {"expires_at": EXPIRES},
    "fair_reminder": {"fair": "f1", "notice": "24h"},
    "fair_rescheduled": {"fair": "f1", "before": {"starts_at": "2026-03-07T09:00:00+08:00"}},
    "fair_cancelled": {"fair": "f1", "before": {"starts_at": "2026-03-08T09:00:00+08:00"}, "reason": "storm"},
    "interview_result": {"employer": "华友钴业", "position": "Chemist", "outcome": "passed"},
    "offer": OFFER | {"expires_at": EXPIRES},
    "offer_expiring": OFFER | {"expires_at": EXPIRES},
    "offer_rescinded": {"offer": "o1", "reason": "position closed"},
    "benefit_verified": RENT,
    "benefit_paid": RENT,
    "welcome": {"employer": "华友钴业", "position": "Chemist", "started_on": "2026-07-01"},
    "milestone": {**TARGET, "measure": "hired", "due_on": "2026-12-31"},
    "offer_bounced": {
        "offer": "o1",
        "employer": "华友钴业",
        "position": "Chemist",
        "message": 7,
        "status": "bounced",
    },
    "channel_refused": {"channel": "sendgrid", "reason": "401 Unauthorized"},
    "log_gap": {"count": 12, "topic": "yinfeng.facts", "partition": 3, "since": 100, "upto": 111},
    "target_at_risk": {**TARGET, "expected": 1600, "days_left": 38, "due_on": "2026-12-31"},
    "daily_digest": {
        "day": "2026-03-01",
        "targets": [
            {
                "title": "2000 graduates",
                "progress": 1,
                "goal": 2,
                "percent": 50,
                "gained": 1,
                "due_on": "2026-12-31",
            }
        ],
        "fairs": [{"title": "Spring fair", "starts_at": "2026-03-01T09:00:00+08:00"}],
        "trouble": {"unknown": 3},
    },
    "target_reached": {**TARGET, "measure": "hired", "due_on": "2026-12-31", "percent": 100, "progress": 2000},
}


def params_of(kind: str, **more: Any) -> dict[str, Any]:
    return PARAMS[kind] | more


def journey(params: dict[str, Any], kind: str, name: str = CHINESE, **more: Any) -> Journey:
    facts = [signed_up("c1", name=name, email="c1@example.com", fair="f1", **more)]
    if kind in ("offer_rescinded", "offer_answered", "offer_accepted", "offer_declined"):
        facts.append(event("offer.extended", candidate="c1", time="2026-03-01T08:00:00+08:00", **OFFER))
    if kind in CAUSES:
        facts.append(event(CAUSES[kind], candidate="c1", **params))
    return alive([validate_event(each) for each in facts])


def letter(kind: str, locale: str = "zh-CN", *, name: str = CHINESE, about: Any = None, **params: Any) -> Letter:
    said = params_of(kind, **params)
    if kind == "signup_check":  # of somebody of whom nothing is known
        said |= {"locale": locale, "name": name}
    nobodys = AUDIENCES[kind] == "hr" and kind not in CAUSES
    message = Claimed(1, kind, "grads-2026", None if nobodys else "c1", said, 1)
    background = about or Background(
        {"grads-2026": campaign(locale)},
        {("grads-2026", "f1"): fair(cancelled=kind == "fair_cancelled")},
        {("grads-2026", "f1", "c1"): Seat(TELLING_OF_SEATS.get(kind, "seat"))},
    )
    known = Journey() if nobodys else journey(said, kind, name)
    employer = situation_employer(message, known)
    background.employers.setdefault(("grads-2026", employer), called(employer))
    background = replace(background, seen={("grads-2026", employer, "c1")})
    now = {"thanks": AFTER, "offer_expired": LATER}.get(kind, NOW)
    situation = Situation(message, known, background, WRITER, LINKS, now)
    return composing.compose(replace(situation, together=(situation,)))


def situation_employer(message: Claimed, known: Journey) -> str:
    return employer_of(message, known) or "huayou"


def called(employer: str, **more: Any) -> dict[str, Any]:
    row = {"employer": employer, "name": employer, "name_en": None, "contact": None}
    return {**row, "reply_to": "jobs@huayou.example", **more}


def rendered(kind: str, locale: str = "zh-CN", **more: Any) -> Rendered:
    made = letter(kind, locale, **more)
    return RENDERER.render(kind, made.locale, made.values)


def images(made: Letter) -> list[str]:
    """Where a mail may have images from: its own attachments, never from elsewhere."""
    return [f"cid:{each.content_id}" for each in made.attachments if each.content_id]


class Reader(HTMLParser):
    """What a browser would make of a mail: its tags, attributes, title and visible words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self._inside: list[str] = []
        self.title, self.words = "", ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        inside = self._inside[-1] if self._inside else ""
        if inside == "title":
            self.title += data
        elif inside != "style":
            self.words += data


def links(seen: Reader) -> list[str]:
    return [value or "" for name, value in seen.attributes if name == "href"]


@pytest.mark.parametrize(("kind", "locale"), CASES)
def test_every_mail_is_readable_as_html_and_as_text(kind: str, locale: str):
    mail = rendered(kind, locale)
    seen = Reader(mail.html)
    assert seen.title == mail.subject != ""
    assert f'<html lang="{locale}">' in mail.html
    assert not {"script", "link", "iframe", "form"} & set(seen.tags)
    assert [value for name, value in seen.attributes if name == "src"] == images(letter(kind, locale))
    assert "undefined" not in (mail.html + mail.text).lower()
    assert "{{" not in mail.html + mail.text
    assert not re.search("<[a-z/]", mail.text)
    assert "None" not in seen.words + mail.text
    assert ("Dear" in mail.text) is (locale == "en" and AUDIENCES[kind] == "candidate")


@pytest.mark.parametrize(("kind", "locale"), CASES)
def test_html_and_text_say_the_same(kind: str, locale: str):
    mail = rendered(kind, locale)
    plain = "".join(Reader(mail.html).words.split())
    for line in mail.text.splitlines():
        label, value = ([*re.split(": |：", line, maxsplit=1), ""])[:2]
        for part in (label, value):
            assert "".join(part.split()) in plain or part in ("--", "") or part.startswith("https://")


@pytest.mark.parametrize(("kind", "locale"), CASES)
def test_hostile_names_are_words_and_nothing_else(kind: str, locale: str):
    background = Background(
        {"grads-2026": campaign(locale, title=HOSTILE, organizer=HOSTILE)},
        {("grads-2026", "f1"): fair(title=HOSTILE, venue=HOSTILE, cancelled=kind == "fair_cancelled")},
        {("grads-2026", "f1", "c1"): Seat(TELLING_OF_SEATS.get(kind, "seat"))},
    )
    more = {"employer": HOSTILE, "position": HOSTILE, "title": HOSTILE}
    given = {key: value for key, value in more.items() if key in params_of(kind)}
    mail = rendered(kind, locale, name=HOSTILE, about=background, **given)
    seen = Reader(mail.html)
    assert "script" not in seen.tags
    assert HOSTILE in seen.words
    assert HOSTILE in mail.text
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert "49" not in mail.subject


@pytest.mark.parametrize("url", ['https://x.example/"onmouseover="alert(1)', "https://x.example/<b>"])
def test_hostile_addresses_stay_addresses(url: str):
    background = Background({}, {("grads-2026", "f1"): fair(url=url, mode="online")})
    seen = Reader(rendered("signup_confirmation", about=background).html)
    assert url in seen.words
    assert url in links(seen)
    assert all(each == url or each.startswith(OURS) for each in links(seen))
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert "b" not in seen.tags


@given(st.text(min_size=1, max_size=80))
def test_a_subject_is_one_line_whatever_a_name_holds(name: str):
    values = {**letter("offer").values, "offer": dict.fromkeys(OFFERED, name)}
    subject = RENDERER.render("offer", "en", values).subject
    assert subject.splitlines() == [subject]
    assert subject == " ".join(subject.split())


@pytest.mark.parametrize(("kind", "locale"), CASES)
def test_each_missing_variable_stops_the_mail_and_is_named(kind: str, locale: str):
    values = letter(kind, locale).values
    refusals = {missing: refusal_without(kind, locale, values, missing) for missing in values}
    told = {missing: refusal for missing, refusal in refusals.items() if refusal}
    assert len(told) >= 2
    for missing, refusal in told.items():
        assert f"'{missing}' is undefined" in refusal
        assert kind in refusal


def refusal_without(kind: str, locale: str, values: dict[str, Any], missing: str) -> str | None:
    try:
        RENDERER.render(kind, locale, {key: value for key, value in values.items() if key != missing})
    except SendRefused as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("kind", "locale", "said"),
    [
        ("signup_confirmation", "zh-CN", "2026年3月8日星期日 09:00–16:00"),
        ("signup_confirmation", "en", "Sunday, 8 March 2026 09:00–16:00"),
        ("offer", "zh-CN", "2026年7月1日星期三 00:00"),
        ("offer", "en", "Wednesday, 1 July 2026 00:00"),
        ("welcome", "zh-CN", "2026年7月1日星期三"),
        ("milestone", "zh-CN", "1,000 / 2,000"),
        ("milestone", "en", "Thursday, 31 December 2026"),
        ("offer", "zh-CN", CHINESE),
        ("signup_confirmation", "zh-CN", "武汉 东院体育馆"),
        ("signup_confirmation", "en", "东院体育馆, 武汉"),
        ("benefit_paid", "zh-CN", "¥1,200.00"),
        ("benefit_paid", "en", "CN¥1,200.00"),
        ("welcome", "en", "华友钴业"),
    ],
)
def test_what_mails_say(kind: str, locale: str, said: str):
    mail = rendered(kind, locale)
    assert said in mail.html
    assert said in mail.text


def test_times_are_those_of_the_campaigns_place():
    background = Background({"grads-2026": campaign("en", timezone="Europe/Berlin")}, {("grads-2026", "f1"): fair()})
    assert "02:00–09:00" in rendered("signup_confirmation", about=background).text


@pytest.mark.parametrize("mode", ["online", "hybrid"])
@pytest.mark.parametrize(
    ("locale", "zone", "said"),
    [
        ("zh-CN", "Asia/Shanghai", "09:00–16:00（中国标准时间）"),
        ("en", "Asia/Shanghai", "09:00–16:00 (China Standard Time)"),
        ("en", "Europe/Berlin", "02:00–09:00 (Central European Standard Time)"),
    ],
)
def test_who_takes_part_from_afar_is_told_whose_clock_it_is(mode: str, locale: str, zone: str, said: str):
    background = Background({"grads-2026": campaign(locale, timezone=zone)}, {("grads-2026", "f1"): fair(mode=mode)})
    assert said in rendered("signup_confirmation", about=background).text


@pytest.mark.parametrize(("locale", "said"), [("zh-CN", "主办方另行通知"), ("en", "will tell you how to take part")])
def test_an_online_fair_without_an_address_points_to_none(locale: str, said: str):
    background = Background({"grads-2026": campaign(locale)}, {("grads-2026", "f1"): fair(mode="online")})
    mail = rendered("signup_confirmation", about=background)
    assert said in mail.text
    assert all(each.startswith(OURS) for each in links(Reader(mail.html)))


def test_a_fair_over_several_days_names_each():
    background = Background({}, {("grads-2026", "f1"): fair(ends_at=datetime(2026, 3, 9, 8, tzinfo=UTC))})
    said = rendered("signup_confirmation", about=background).text
    assert "2026年3月8日星期日 09:00 – 2026年3月9日星期一 16:00" in said


def test_without_a_fair_the_campaign_is_confirmed():
    mail = rendered("signup_confirmation", fair=None)
    assert "2026 届毕业生" in mail.subject
    assert "武汉" not in mail.text


def test_a_candidates_own_language_comes_first():
    said = params_of("signup_confirmation")
    message = Claimed(1, "signup_confirmation", "grads-2026", "c1", said, 1)
    background = Background({"grads-2026": campaign("zh-CN")}, {("grads-2026", "f1"): fair()})
    assert compose(message, journey(said, "signup_confirmation", locale="en"), background).locale == "en"


def test_nobody_to_write_to():
    with pytest.raises(NotNow) as refusal:
        compose(
            Claimed(1, "signup_confirmation", "grads-2026", "c1", {}, 1),
            alive([validate_event(signed_up("c1"))]),
            Background({}, {}),
            NOW,
        )
    assert (refusal.value.status, refusal.value.reason) == ("held", "no address")


def test_a_confirmation_waits_some_seconds_for_its_fair_and_then_goes_without():
    said, background = params_of("signup_confirmation"), Background({"grads-2026": campaign()}, {})
    known = journey(said, "signup_confirmation")
    fresh = Claimed(1, "signup_confirmation", "grads-2026", "c1", said, requested_at=NOW)
    with pytest.raises(NotNow) as pause:
        compose(fresh, known, background)
    assert (pause.value.status, pause.value.until) == ("requested", NOW + timedelta(seconds=5))
    sure = compose(msgspec.structs.replace(fresh, requested_at=NOW - timedelta(seconds=15)), known, background)
    assert sure.values["fair"] is None


@pytest.mark.parametrize("status", sorted(OFFER_TROUBLE | {"unknown"}))
@pytest.mark.parametrize("locale", LOCALES)
def test_hr_is_told_what_happened_to_an_offer_and_what_to_do(status: str, locale: str):
    values = letter("offer_bounced", locale, status=status).values
    mail = RENDERER.render("offer_bounced", locale, values)
    for said in (values["happened"], values["then"], "华友钴业", "https://park.example/messages/7"):
        assert said in mail.text
    told = {letter("offer_bounced", locale, status=each).values["happened"] for each in OFFER_TROUBLE | {"unknown"}}
    assert len(told) == len(OFFER_TROUBLE) + 1


def test_hr_reads_of_a_candidate_in_the_campaigns_language():
    said = params_of("offer_bounced")
    message = Claimed(1, "offer_bounced", "grads-2026", "c1", said, 1)
    background = Background({"grads-2026": campaign("zh-CN")}, {})
    made = compose(message, journey(said, "offer_bounced", locale="en"), background)
    assert (made.locale, made.to) == ("zh-CN", "hr@park.example")
    assert made.values["candidate"] == {"name": CHINESE, "id": None}


@pytest.mark.parametrize(
    ("kind", "params", "reason"),
    [
        ("signup_confirmation", {}, "the fair is over"),
        ("offer", {"expires_at": "2026-02-01T00:00:00Z"}, "the offer has expired"),
    ],
)
def test_facts_of_long_ago_send_no_mail_that_would_be_too_late(kind: str, params: dict[str, Any], reason: str):
    said = params_of(kind, **params)
    background = Background({"grads-2026": campaign()}, {("grads-2026", "f1"): fair()})
    with pytest.raises(NotNow) as refusal:
        compose(Claimed(1, kind, "grads-2026", "c1", said, 1), journey(said, kind), background, AFTER)
    assert (refusal.value.status, refusal.value.reason) == ("cancelled", reason)


def test_our_own_templates_have_no_budget_that_many_mails_could_use_up():
    shown = letter("benefit_available").values
    for number in range(MOST_TURNS):
        RENDERER.render("benefit_available", "en", shown | {"hire": shown["hire"] | {"employer": f"e{number}"}})
