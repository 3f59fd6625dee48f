"""Messages over HTTP: lists, one with its attempts, the mailbox's pages, and who may see what."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from storage import beats
from storage.beats import Beat
from storage.messages import channel_rests, sealed
from storage.vault.export import export
from tests.access import COOKIE, csrf, session_of
from tests.facts import CAMPAIGN, event, hired, opened, signed_up, target
from tests.integration.office import Office
from tests.integration.reading import Reader

HOSTILE = '<img src=x onerror="alert(1)">'
PAGES = tuple(base + page for base in ("/messages", "/mailbox") for page in ("", "/{id}", "/{id}/html", "/{id}/text"))
LISTS = ("/v1/messages", "/v1/messages/{id}")


@pytest.fixture
def organizer(readers: dict[str, Reader]) -> Reader:
    return readers["organizer"]


def person(candidate: str, **more: Any) -> dict[str, Any]:
    return signed_up(candidate, **{"email": f"{candidate}@example.com", **more})


async def sent(office: Office, *facts: dict[str, Any]) -> None:
    await office.tell(opened(), *facts)
    await office.sender().send_all()


async def test_a_message_as_it_is_listed(office: Office, organizer: Reader):
    await sent(office, person("c1", id="s1"))
    [entry] = await organizer.json("/v1/messages")
    assert {key: entry[key] for key in ("to", "channel", "template", "locale", "status", "attempts")} == {
        "to": "c1@example.com",
        "channel": "mailbox",
        "template": "signup_confirmation",
        "locale": "zh-CN",
        "status": "sent",
        "attempts": 1,
    }
    assert entry["subject"].startswith("报名成功")
    assert entry["fact"] == {"source": "/hr/test", "id": "s1"}
    one = await organizer.json(f"/v1/messages/{entry['id']}")
    assert {key: one[key] for key in entry} == entry
    assert [each["status"] for each in one["log"]] == ["claimed", "sent"]
    assert all(each["at"] for each in one["log"])


async def test_a_mail_of_another_version_is_said_to_be_one_and_stays(
    office: Office, organizer: Reader, monkeypatch: pytest.MonkeyPatch
):
    """Of a later one, that runs beside this; it is shown again where it can be read."""
    with monkeypatch.context() as later:
        later.setattr(sealed, "compressed", lambda mail: b"later" + mail)
        await sent(office, person("c1", id="s1"))
    [entry] = await organizer.json("/v1/messages")
    for lang, said in (("en", "another version of Yinfeng"), ("zh-CN", "另一版本")):
        page = await organizer.get(f"/messages/{entry['id']}", **{"accept-language": lang})
        assert (page.status_code, "c1@example.com" in page.text, said in page.text) == (200, True, True)
        for part in ("html", "text"):
            answer = await organizer.get(
                f"/messages/{entry['id']}/{part}", accept="text/html", **{"accept-language": lang}
            )
            assert (answer.status_code, said in answer.text) == (409, True)
    async with office.pool.connection() as conn:
        whole = await export(conn, "grads-2026", "c1")
    assert [("another version of Yinfeng" in each["text"], each["log"] != []) for each in whole["messages"]] == [
        (True, True)
    ]
    assert whole["facts"] != []
    monkeypatch.setattr(sealed, "expanded", lambda kept: kept.removeprefix(b"later"))
    assert (await organizer.get(f"/messages/{entry['id']}/text")).status_code == 200


async def test_filters(office: Office, organizer: Reader):
    await sent(office, person("c1"), person("c2"), hired("c1"), signed_up("c3"))
    await office.tell(person("c9") | {"data": {**person("c9")["data"], "campaign": "elsewhere"}})

    async def count(query: str) -> int:
        return len(await organizer.json(f"/v1/messages{query}"))

    assert await count("") == 6
    assert await count("?campaign=elsewhere") == 1
    assert await count("?candidate=c1") == 3
    assert await count("?status=held") == 1
    assert await count("?kind=welcome") == 1
    assert await count("?status=sent&campaign=grads-2026&candidate=c2") == 1
    assert await count("?candidate=nobody") == 0


async def test_a_long_list_is_read_in_portions(office: Office, organizer: Reader):
    await sent(office, *[person(f"c{n}") for n in range(25)])
    path, seen = "/v1/messages?limit=10&campaign=grads-2026", []
    portions = 0
    while path:
        answer = await organizer.get(path)
        seen += [entry["id"] for entry in answer.json()]
        portions += 1
        path = answer.links["next"]["url"] if "next" in answer.links else ""
        if portions == 1:
            await office.tell(person("late"))  # what comes meanwhile moves nothing
    assert (portions, len(seen)) == (3, 25)
    assert seen == sorted(set(seen), reverse=True)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=10001",
        "limit=x",
        "status=gone",
        "after=%00",
        "after=e30",
        "campaign=" + "x" * 201,
        "candidate=a%00b",
    ],
)
async def test_odd_questions_are_answered_with_the_fields_name(organizer: Reader, query: str):
    answer = await organizer.get(f"/v1/messages?{query}")
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert query.partition("=")[0] in answer.text


@pytest.mark.parametrize("id", ["0", "-1", "x", "9" * 18, "9" * 30])
async def test_a_message_that_is_not_there(organizer: Reader, id: str):
    for path in (f"/v1/messages/{id}", f"/mailbox/{id}", f"/mailbox/{id}/html", f"/mailbox/{id}/text"):
        assert (await organizer.get(path)).status_code in (404, 422)


@pytest.mark.parametrize(
    ("who", "lists", "pages"),
    [
        ("organizer", 200, 200),
        ("huayou", 200, 403),
        ("viewer", 403, 403),
        ("nobody", 401, 401),
        ("wrong", 401, 401),
    ],
)
async def test_who_may_see_what(office: Office, readers: dict[str, Reader], who: str, lists: int, pages: int):
    await sent(office, person("c1"), hired("c1"))
    [[id]] = await office.rows("SELECT id FROM messages WHERE kind = 'welcome'")
    for paths, status in ((LISTS, lists), (PAGES, pages)):
        for path in paths:
            answer = await readers[who].get(path.format(id=id))
            assert (path, answer.status_code) == (path, status)


async def test_an_employer_sees_the_messages_to_its_own_candidates(office: Office, readers: dict[str, Reader]):
    offer = event("offer.extended", candidate="c1", offer="o1", employer="huayou", position="Engineer")
    await sent(office, target("t", goal=1), person("c1"), offer, person("c2"), hired("c2", employer="other"))
    kinds = {
        name: sorted((entry["candidate"], entry["template"]) for entry in await readers[name].json("/v1/messages"))
        for name in ("huayou", "other")
    }
    assert kinds["huayou"] == [("c1", "offer"), ("c1", "signup_confirmation")]
    assert kinds["other"] == [("c2", "benefit_available"), ("c2", "signup_confirmation"), ("c2", "welcome")]
    for (id,) in await office.rows("SELECT id FROM messages WHERE candidate IS DISTINCT FROM 'c1'"):
        assert (await readers["huayou"].get(f"/v1/messages/{id}")).status_code == 404


async def test_what_two_employers_offer_the_same_person_stays_between_them(office: Office, readers: dict[str, Reader]):
    mine = event("offer.extended", candidate="c1", offer="o1", employer="huayou", position="Engineer")
    theirs = event("offer.extended", candidate="c1", offer="o2", employer="other", position="Chemist")
    await sent(office, person("c1"), mine, theirs)
    for name, seen in (("huayou", "Engineer"), ("other", "Chemist")):
        subjects = [entry["subject"] for entry in await readers[name].json("/v1/messages")]
        assert len([each for each in subjects if seen in each]) == 1
        assert not [each for each in subjects if "录用" in each and seen not in each]


@pytest.mark.parametrize(("lang", "said"), [("zh-CN", "消息"), ("en", "Messages")])
async def test_the_messages_in_both_languages(office: Office, organizer: Reader, lang: str, said: str):
    empty = await organizer.get(f"/mailbox?lang={lang}")
    assert (empty.status_code, said in empty.text) == (200, True)
    await sent(office, person("c1", name=HOSTILE), signed_up("c2"))
    page = await organizer.get(f"/mailbox?lang={lang}")
    assert "c1@example.com" in page.text
    assert "c2" in page.text
    for id in (1, 2):
        one = await organizer.get(f"/mailbox/{id}?lang={lang}")
        assert (one.status_code, HOSTILE in one.text) == (200, False)


async def test_the_mailbox_filters_and_turns_pages(office: Office, organizer: Reader):
    await sent(office, *[person(f"c{n}") for n in range(60)])
    first = await organizer.get("/mailbox?campaign=grads-2026&lang=en")
    assert first.text.count('class="mail-who"') == 50
    older = first.text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "campaign=grads-2026" in older
    second = await organizer.get(older)
    assert second.text.count('class="mail-who"') == 10
    assert (await organizer.get("/mailbox?candidate=c7")).text.count('class="mail-who"') == 1
    assert (await organizer.get("/mailbox?campaign=&candidate=")).text.count('class="mail-who"') == 50


async def test_a_mail_is_shown_in_a_frame_that_may_do_nothing(office: Office, organizer: Reader):
    await sent(office, person("c1", name=HOSTILE))
    page = (await organizer.get("/mailbox/1")).text
    frame = page.partition("<iframe")[2].partition(">")[0]
    assert 'sandbox=""' in frame
    assert 'src="/mailbox/1/html"' in frame
    html = await organizer.get("/mailbox/1/html")
    policy = html.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert policy.startswith("sandbox")
    assert "allow-scripts" not in policy
    assert "x-frame-options" not in html.headers
    assert HOSTILE not in html.text
    text = await organizer.get("/mailbox/1/text")
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert HOSTILE in text.text
    for answer in (html, text):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


async def test_what_an_erased_person_was_sent_is_gone(office: Office, organizer: Reader):
    await sent(office, person("c1", name="李思雨"))
    await office.tell(event("candidate.erased", candidate="c1", time="2026-05-01T00:00:00Z"))
    one = await organizer.json("/v1/messages/1")
    assert (one["to"], one["subject"], one["status"]) == (None, None, "sent")
    page = await organizer.get("/mailbox/1")
    assert (page.status_code, "李思雨" in page.text, "c1@" in page.text) == (200, False, False)
    assert (await organizer.get("/mailbox/1/html")).status_code == 404


async def test_a_browser_without_a_key_is_sent_to_log_in(readers: dict[str, Reader]):
    answer = await readers["nobody"].get("/mailbox?campaign=x", accept="text/html")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/mailbox%3Fcampaign%3Dx")


async def act(readers: dict[str, Reader], path: str, form: dict[str, str], **headers: str) -> httpx.Response:
    organizer = readers["organizer"]
    return await organizer.http.post(path, data=form, headers={**organizer.headers, **headers})


async def test_hr_resends_and_cancels_with_a_reason(office: Office, readers: dict[str, Reader]):
    await office.tell(opened(), person("c1"), person("c2"))
    refused = await act(readers, "/messages/1/cancel", {"reason": " "})
    assert (refused.status_code, "say why" in refused.text) == (400, True)
    done = await act(readers, "/messages/1/cancel", {"reason": "wrong person"})
    assert (done.status_code, done.headers["location"]) == (303, "/messages/1")
    page = (await readers["organizer"].get("/messages/1?lang=en")).text
    assert "cancelled by o: wrong person" in page
    assert 'action="/messages/1/resend"' in page
    assert 'action="/messages/1/cancel"' not in page
    await act(readers, "/messages/1/resend", {"reason": "right after all"})
    await office.sender().send_all()
    assert await office.statuses() == {"sent": 2}


async def test_what_may_be_there_already_is_resent_by_force_alone(office: Office, readers: dict[str, Reader]):
    await sent(office, person("c1"))
    page = (await readers["organizer"].get("/messages/1?lang=en")).text
    assert 'name="force"' in page
    assert (await act(readers, "/messages/1/resend", {"reason": "asked for"})).status_code == 409
    assert (await act(readers, "/messages/1/resend", {"reason": "asked for", "force": "true"})).status_code == 303
    await office.sender().send_all()
    log = (await readers["organizer"].json("/v1/messages/1"))["log"]
    assert [each["status"] for each in log] == ["claimed", "sent", "requested", "claimed", "sent"]


@pytest.mark.parametrize(("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 303)])
async def test_no_other_site_acts_with_the_cookie_of_who_is_logged_in(
    office: Office, readers: dict[str, Reader], site: str, status: int
):
    await office.tell(opened(), person("c1"))
    async with office.pool.connection() as conn:
        headers = {"cookie": f"{COOKIE}={await session_of(conn, 'organizer')}"}
    http = readers["nobody"].http
    form = {"reason": "x", "csrf": csrf((await http.get("/messages/1", headers=headers)).text)}
    answer = await http.post("/messages/1/cancel", data=form, headers=headers | {"sec-fetch-site": site})
    assert answer.status_code == status


async def test_the_list_is_searched_by_kind_and_status(office: Office, organizer: Reader):
    await sent(office, person("c1"), person("c2"), hired("c1"), signed_up("c3"))

    async def found(query: str) -> int:
        return (await organizer.get(f"/messages?{query}")).text.count('class="mail-who"')

    assert await found("kind=welcome") == 1
    assert await found("status=held") == 1
    assert await found("kind=signup_confirmation&status=sent") == 2
    assert await found("kind=&status=&candidate=c1") == 3
    assert await found("kind=nonsense") == 0


async def test_the_messages_of_a_person_are_found_by_what_people_know_of_them(office: Office, organizer: Reader):
    elsewhere = {"campaign": "other-2026"}
    await sent(office, person("c1", name="欧阳娜娜", phone="13800000001"), person("c10", name="李雷"))
    about = {**opened(**elsewhere)["data"], "title": "Professionals"}
    await sent(office, event("campaign.opened", **about), person("c1", name="欧阳娜娜", **elsewhere))

    async def found(**query: str) -> int:
        return (await organizer.get(f"/messages?{urlencode(query)}")).text.count('class="mail-who"')

    for words in ("欧阳", "oynn", "c1@example.com"):
        assert await found(candidate=words) == 2
        assert await found(candidate=words, campaign=CAMPAIGN) == 1
    assert await found(candidate="13800000001") == 1
    assert await found(candidate="c1", campaign=CAMPAIGN) == 1  # and not c10's
    assert await found(candidate="王五") == 0
    page = (await organizer.get(f"/messages?campaign={CAMPAIGN}")).text
    assert f'<option value="{CAMPAIGN}" selected>' in page
    assert '<option value="other-2026">Professionals</option>' in page


async def test_while_senders_are_lost_again_and_again_the_list_says_so(office: Office, organizer: Reader):
    assert "again and again" not in (await organizer.get("/messages?lang=en")).text
    async with office.pool.connection() as conn:
        await beats.note(conn, Beat("host:1", 0, 0, 0, lost_senders=2, sender_trouble="ended with -9"))
    assert "sends mails ended with -9, again and again" in (await organizer.get("/messages?lang=en")).text
    assert "进程异常退出（-9）" in (await organizer.get("/messages?lang=zh-CN")).text


async def test_while_a_channel_rests_the_list_says_so(office: Office, organizer: Reader):
    await sent(office, person("c1"))
    assert "wait while their channel rests" not in (await organizer.get("/messages?lang=en")).text
    await office.tell(person("c2"))
    async with office.pool.connection() as conn:
        await channel_rests.note(conn, "sendgrid", ["signup_confirmation"], "sendgrid: 401 <b>", office.clock())
    page = (await organizer.get("/messages?lang=en")).text
    assert "1 message waits while its channel rests: sendgrid: 401 &lt;b&gt;" in page


async def test_a_merged_person_s_messages_are_found_by_each_of_their_ids(office: Office, readers: dict[str, Reader]):
    merged = event("candidate.merged", candidate="c2", into="c1")
    elsewhere = {"campaign": "other-2026"}
    await sent(office, person("c1"), person("c2", email="c1@example.com"), person("c3"), merged)
    await sent(office, opened(**elsewhere), person("c2", email="another@example.com", **elsewhere))
    for query in ("candidate=c1", "candidate=c2"):
        found = await readers["organizer"].json(f"/v1/messages?campaign=grads-2026&{query}")
        assert sorted(each["candidate"] for each in found) == ["c1", "c2"], query
    found = await readers["organizer"].json("/v1/messages?candidate=c1")
    assert {(each["campaign"], each["candidate"]) for each in found} == {("grads-2026", "c1"), ("grads-2026", "c2")}
    found = await readers["organizer"].json("/v1/messages?candidate=c2")
    assert len(found) == 3  # and who has this id in the other campaign
