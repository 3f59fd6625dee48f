"""The way of a person's data: sealed before the ledger, read through the vault, gone with the key."""

from __future__ import annotations

import asyncio
import json
import os
import random
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from producers.committing import Committing
from schemas.catalogue import CATALOGUE
from schemas.errors import InvalidFact, NotFound
from schemas.facts import Fact, build_fact, validate_event
from schemas.marks import marked
from schemas.sealed import SEALED
from schemas.topics import SEQ_HEADER
from storage.database import Conn, connect, make_pool
from storage.journeys import candidates, journeys, people
from storage.journeys.narrowing import Wanted
from storage.journeys.states import stands
from storage.ledger import dead_letters, ledger, posters
from storage.ledger.events import WHOLE
from storage.messages.of_facts import id_of, params_of, source_of
from storage.vault import entry_keys, in_clear, rotating
from storage.vault.accepting import accept
from storage.vault.entry import EntrySealer, public_of
from storage.vault.export import export
from storage.vault.master import FileMaster, make_master
from storage.vault.persons import Vault
from storage.vault.process import vault
from streams.apply import apply_batch
from streams.audit import audit
from streams.domain.measures import milestones
from streams.intake import Incoming
from streams.sealing import seal_all
from tests.facts import CAMPAIGN, event, hired, opened, retraction, signed_up, target
from tests.plain_journeys import make_plain, texts
from tests.strategies import Event

NOW = datetime(2027, 1, 1, tzinfo=UTC)
PERSONAL = ("李思雨", "li.siyu", "138 0013", "went home to care", "Of Li")
SIGNUP = signed_up(
    "c1", name="李思雨", email="li.siyu@example.com", phone="138 0013 8000", education="doctor", id="s1"
) | {"subject": "Of Li", "comexampleref": "Of Li too"}
WITHDREW = event("candidate.withdrew", candidate="c1", reason="went home to care", time="2026-03-09T09:00:00+08:00")
BEFORE, CUT, AFTER = "2026-03-10T09:00:00+08:00", "2026-04-01T09:00:00+08:00", "2026-05-01T09:00:00+08:00"
EVERYTHING = """
SELECT string_agg(t::text, ' ') FROM (
    SELECT to_jsonb(f)::text FROM facts f UNION ALL SELECT jsonb_strip_nulls(to_jsonb(m))::text FROM messages m
    UNION ALL SELECT convert_from(value, 'UTF8') FROM dead_letters
) AS t
"""


def straight(*events: Event) -> list[Incoming]:
    return [
        Incoming("yinfeng.facts", 0, n, f"{e['data']['campaign']}/{e['data'].get('candidate')}".encode(), _bytes(e), ())
        for n, e in enumerate(events)
    ]


def _bytes(said: Event) -> bytes:
    return json.dumps(said, ensure_ascii=False).encode()


async def apply(conn: Conn, *events: Event) -> None:
    await apply_batch(conn, straight(*events), now=NOW)


async def relayed(conn: Conn) -> list[Incoming]:
    """What the relay would publish."""
    rows = await (
        await conn.execute(f"SELECT seq, {WHOLE} FROM facts f JOIN pending USING (seq) ORDER BY seq")
    ).fetchall()
    return [
        Incoming("yinfeng.facts", 0, seq, None, text.encode(), ((SEQ_HEADER, str(seq).encode()),)) for seq, text in rows
    ]


async def stored(conn: Conn) -> str:
    (row,) = await (await conn.execute(EVERYTHING)).fetchall()
    return "\n".join([str(row[0]), *await texts(conn)])


async def profile(conn: Conn, candidate: str = "c1") -> dict[str, Any]:
    return (await vault().profiles(conn, [(CAMPAIGN, candidate)])).get((CAMPAIGN, candidate), {})


async def name_of(conn: Conn, candidate: str = "c1") -> Any:
    return (await people.names(conn, CAMPAIGN, [candidate])).get(candidate)


async def test_who_says_a_waiting_fact_otherwise_names_nobody(conn: Conn):
    """The first one stands, whatever comes under its identity in the meantime."""
    await accept(conn, [validate_event(SIGNUP)], posted_by="key:a")
    await apply(conn, {**SIGNUP, "data": {**SIGNUP["data"], "name": "another"}})
    assert await name_of(conn) == "李思雨"


async def test_no_personal_word_reaches_ledger_broker_journeys_or_messages(conn: Conn):
    await accept(conn, [validate_event(SIGNUP), validate_event(WITHDREW)], posted_by="key:a")
    sent = await relayed(conn)
    assert not [word for word in PERSONAL if word in b" ".join(each.value or b"" for each in sent).decode()]
    await apply_batch(conn, sent, now=NOW)
    await apply(conn, {**SIGNUP, "id": "straight"})
    found = await stored(conn)
    assert not [word for word in PERSONAL if word in found]
    assert "doctor" in found


async def test_requests_that_come_together_are_sealed(conn: Conn, database_url: str):
    async with make_pool(database_url, name="web") as pool:
        answers = await Committing(pool).append([validate_event(SIGNUP)], posted_by="key:a", size=100)
    assert len(answers) == 1
    assert "李思雨" not in await stored(conn)


async def test_who_may_read_reads_it_all(conn: Conn):
    await apply(conn, SIGNUP, WITHDREW)
    known = await candidates.load(conn, CAMPAIGN, "c1")
    assert known is not None
    assert {name: known.journey.attribute(name) for name in ("name", "email", "phone", "education")} == {
        "name": "李思雨",
        "email": "li.siyu@example.com",
        "phone": "138 0013 8000",
        "education": "doctor",
    }
    timeline = await candidates.timeline(conn, CAMPAIGN, ["c1"], limit=10)
    assert [row["data"].get("reason") for row in timeline] == [None, "went home to care"]
    assert timeline[0]["data"] == SIGNUP["data"]
    assert [each.name for each in (await people.listed(conn, CAMPAIGN, Wanted(q="思雨"), limit=10)).people] == [
        "李思雨"
    ]


async def test_a_name_is_the_latest_word_whatever_came_last(conn: Conn):
    await apply(conn, signed_up("c1", name="Late", phone="110", time=AFTER))
    await apply(conn, signed_up("c1", name="Early", email="a@example.com", time=BEFORE))
    assert await profile(conn) == {"name": "Late", "phone": "110", "email": "a@example.com"}
    assert await name_of(conn) == "Late"


async def test_a_retracted_name_gives_way_to_the_one_before(conn: Conn):
    await apply(conn, signed_up("c1", name="First", id="one"), signed_up("c1", name="Second", id="two", time=AFTER))
    await apply(conn, retraction("two", candidate="c1"))
    assert await name_of(conn) == "First"
    await apply(conn, retraction("one", candidate="c1"))
    assert await profile(conn) == {}
    assert await name_of(conn) is None


class TestErasure:
    async def test_nothing_of_the_person_is_left_and_the_numbers_stand(self, conn: Conn, database_url: str):
        await apply(conn, opened(), target("t"), target("doctors", where={"education": ["doctor"]}))
        await accept(conn, [validate_event(SIGNUP), validate_event(WITHDREW)], posted_by="key:a")
        await apply_batch(conn, await relayed(conn), now=NOW)
        await apply(conn, hired("c1"))
        await dead_letters.bury(conn, [straight(SIGNUP)[0].dead("a mistake of ours")])
        await apply(conn, event("candidate.erased", candidate="c1", time=CUT))
        numbers = await (await conn.execute("SELECT target, progress::int FROM targets ORDER BY 1")).fetchall()
        assert numbers == [("doctors", 1), ("t", 1)]
        found = await stored(conn)
        assert not [word for word in (*PERSONAL, SEALED) if word in found]
        assert await (
            await conn.execute("SELECT key, name, profile, life FROM vault.person WHERE candidate <> ''")
        ).fetchall() == [(None, None, None, 2)]
        async with await connect(database_url, name="audit") as reader:
            assert (await audit(reader)).differences == []

    async def test_a_dead_letter_whose_event_was_in_headers_goes_too(self, conn: Conn):
        data = json.dumps(SIGNUP["data"]).encode()
        letter = Incoming("yinfeng.facts", 0, 1, None, data, (("ce_type", b"candidate.signed_out"),))
        await apply_batch(conn, [letter], now=NOW)
        assert [each.value for each in await dead_letters.listed(conn)] == [data]
        await apply(conn, event("candidate.erased", candidate="c1", time=CUT))
        assert await dead_letters.listed(conn) == []

    @pytest.mark.parametrize("late", [SIGNUP, WITHDREW])
    async def test_what_was_said_before_stays_nameless_however_late_it_comes(self, conn: Conn, late: Event):
        await apply(conn, event("candidate.erased", candidate="c1", time=CUT))
        await accept(conn, [validate_event({**late, "id": "over-http"})], posted_by="key:a")
        await apply_batch(conn, await relayed(conn), now=NOW)
        await apply(conn, late)
        found = await stored(conn)
        assert not [word for word in (*PERSONAL, SEALED) if word in found]
        assert await profile(conn) == {}

    async def test_a_retracted_signup_that_comes_after_it_tells_nothing(self, conn: Conn):
        await apply(conn, retraction("s1", candidate="c1"), event("candidate.erased", candidate="c1", time=CUT))
        await apply(conn, SIGNUP)
        assert not [word for word in (*PERSONAL, SEALED) if word in await stored(conn)]

    async def test_a_later_signup_begins_a_new_life(self, conn: Conn, database_url: str):
        again = signed_up("c1", name="李再来", email="again@example.com", id="s2", time=AFTER)
        await apply(conn, SIGNUP, event("candidate.erased", candidate="c1", time=CUT), again)
        assert await profile(conn) == {"name": "李再来", "email": "again@example.com"}
        known = await candidates.load(conn, CAMPAIGN, "c1")
        assert known is not None
        assert not known.journey.erased
        assert known.journey.attribute("phone") is None
        requested = await (
            await conn.execute(f"SELECT {id_of('m')} FROM messages m WHERE forgotten IS NOT TRUE")
        ).fetchall()
        assert requested == [("s2",)]
        async with await connect(database_url, name="audit") as reader:
            assert (await audit(reader)).differences == []

    async def test_an_erasure_that_comes_late_leaves_the_later_life(self, conn: Conn):
        await apply(conn, SIGNUP)
        again = signed_up("c1", name="李再来", phone="120", id="s2", time=AFTER)
        await apply(conn, again)
        waiting = event("candidate.withdrew", candidate="c1", reason="found work", id="w2", time=AFTER)
        await accept(conn, [validate_event(waiting)], posted_by="key:a")
        before = await relayed(conn)
        await apply(conn, event("candidate.erased", candidate="c1", time=CUT))
        assert await profile(conn) == {"name": "李再来", "phone": "120"}
        await apply_batch(conn, before, now=NOW)
        timeline = await candidates.timeline(conn, CAMPAIGN, ["c1"], limit=10)
        assert [row["data"].get("reason") or row["data"].get("name") for row in timeline] == [
            None,
            None,
            "李再来",
            "found work",
        ]
        assert not [word for word in PERSONAL if word in await stored(conn)]

    async def test_what_is_accepted_while_they_are_erased_keeps_its_name(self, conn: Conn, database_url: str):
        """Who accepts it holds the key, so that the erasure waits: then it finds what was said."""
        await apply(conn, SIGNUP)
        again = signed_up("c1", name="李再来", id="s2", time=AFTER)
        async with await connect(database_url, name="web") as other:
            async with other.transaction():
                await accept(other, [validate_event(again)], posted_by="key:a")
                erasing = asyncio.create_task(apply(conn, event("candidate.erased", candidate="c1", time=CUT)))
                await asyncio.sleep(0.5)
                assert not erasing.done()
            await erasing
        await apply_batch(conn, await relayed(conn), now=NOW)
        assert await name_of(conn) == "李再来"

    async def test_what_is_personal_and_in_the_clear_goes_beside_what_is_sealed(self, conn: Conn):
        """Of an earlier version, or sealed elsewhere; in each of the forms in which a fact may stand."""
        await apply(conn, SIGNUP, WITHDREW, hired("c1"), {**hired("c1", id="h2"), "comexampleref": "Of Li"})
        await conn.execute(f"UPDATE facts f SET event = {WHOLE}::jsonb WHERE type = 'candidate.signed_up'")
        said = '{"data": {"reason": "went home to care"}}'
        await conn.execute("UPDATE facts SET event = event || %s WHERE type = 'candidate.withdrew'", [said])
        await conn.execute("""UPDATE facts SET event = event || '{"subject": "Of Li"}'""")
        await apply(conn, event("candidate.erased", candidate="c1", time=CUT))
        found = await stored(conn)
        assert not [word for word in (*PERSONAL, SEALED) if word in found]
        assert await (await conn.execute("SELECT count(*) FROM facts WHERE event ? 'subject'")).fetchall() == [(0,)]

    async def test_any_order_makes_the_same_person(self, database_url: str, conn: Conn):
        said = [
            SIGNUP,
            WITHDREW,
            event("candidate.erased", candidate="c1", id="erasure", time=CUT),
            signed_up("c1", name="李再来", id="s2", time=AFTER),
            signed_up("c1", name="李又来", email="x@example.com", id="s3", time="2026-05-02T09:00:00+08:00"),
            retraction("s3", candidate="c1", id="r1"),
        ]
        ends = set()
        for seed in range(20):
            rng = random.Random(seed)
            order = rng.sample(said, len(said))
            await conn.execute("TRUNCATE facts, pending, retractions, journeys, messages, vault.person CASCADE")
            while order:
                size = rng.randint(1, 3)
                await apply(conn, *order[:size])
                order = order[size:]
            [journey] = await texts(conn)
            ends.add(json.dumps([await profile(conn), await name_of(conn), sorted(json.loads(journey).items())]))
            assert not [word for word in (*PERSONAL, "李又来") if word in await stored(conn)], seed
        assert len(ends) == 1
        assert "李再来" in json.loads(next(iter(ends)))[0].values()


async def test_what_an_earlier_version_accepted_in_the_clear_is_sealed_as_it_is_applied(conn: Conn):
    await ledger.append(conn, [validate_event(SIGNUP)], posted_by="key:a")
    await apply_batch(conn, await relayed(conn), now=NOW)
    assert not [word for word in PERSONAL if word in await stored(conn)]
    assert (await profile(conn))["name"] == "李思雨"


async def test_noise_for_a_seal_is_left_out_and_the_fact_counts(conn: Conn):
    forged = {**SIGNUP, SEALED: "1.1.name.AAAAAAAAAAAAAAAAAAAAAAAAAAAA"}
    forged["data"] = {name: value for name, value in SIGNUP["data"].items() if name != "name"}
    await apply(conn, forged)
    assert await (await conn.execute(f"SELECT {stands('signed_up', '')} FROM journeys")).fetchall() == [(True,)]
    assert await name_of(conn) is None


async def test_the_same_fact_by_another_poster_is_known_whatever_its_seal(conn: Conn):
    fact = validate_event(SIGNUP)
    await accept(conn, [fact], posted_by="key:a")
    assert await posters.taken(conn, [fact], "key:b") == set()
    other = validate_event({**SIGNUP, "data": {**SIGNUP["data"], "name": "Other"}})
    assert await posters.taken(conn, [other], "key:b") == {fact.identity}
    await apply(conn, event("candidate.erased", candidate="c1", time=CUT))
    assert await posters.taken(conn, [fact], "key:b") == set()


async def test_a_person_is_told_all_that_is_held_about_them(conn: Conn):
    """Every personal field of the catalogue is told, so that none is left out that comes later."""
    said, wanted = [], set()
    for nth, (type, row) in enumerate(CATALOGUE.items()):
        fields = marked(row.data, "personal")
        if not fields or "candidate" not in row.data.model_fields:
            continue
        values = {name: f"{name}{nth}@example.com" for name in fields if name != "phone"}
        values |= {"phone": f"+8613800{nth:06}"} if "phone" in fields else {}
        wanted |= set(values.values())
        example = {**row.example, **values, "campaign": CAMPAIGN, "candidate": "c1"}
        said.append({**event(type, id=f"all{nth}", time=BEFORE), "data": example})
    await apply(conn, *said, {**SIGNUP, "id": "sub"})
    found = json.dumps(await export(conn, CAMPAIGN, "c1"), ensure_ascii=False, default=str)
    assert not [value for value in (*wanted, "Of Li") if value not in found]
    with pytest.raises(NotFound):
        await export(conn, CAMPAIGN, "nobody")


async def test_a_database_of_an_earlier_version_is_sealed_in_portions(
    conn: Conn, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(in_clear, "PORTION", 2)
    monkeypatch.setattr(in_clear, "STRETCH", 3)
    await apply(conn, target("t", where={"education": ["doctor"]}), SIGNUP, WITHDREW, *map(signed_up, "abcde"))
    await apply(conn, {**hired("c1"), "comexampleref": "Of Li"})
    await as_an_earlier_version_left_it(conn)
    assert await in_clear.count(conn) == in_clear.InClear(facts=8, journeys=6, messages=1)
    await seal_all(conn)
    assert not await in_clear.count(conn)
    found = await stored(conn)
    assert not [word for word in PERSONAL if word in found]
    assert (await profile(conn))["email"] == "li.siyu@example.com"
    async with await connect(database_url, name="audit") as reader:
        assert (await audit(reader)).differences == []


async def test_sealing_that_was_broken_off_after_any_stretch_goes_on(conn: Conn, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(in_clear, "PORTION", 2)
    monkeypatch.setattr(in_clear, "STRETCH", 3)
    await apply(conn, target("t"), SIGNUP, WITHDREW, *map(signed_up, "abcde"))
    await as_an_earlier_version_left_it(conn)
    whole, left = in_clear.seal_stretch, 0

    async def dying(conn: Conn, part: in_clear.ClearPart, after: int) -> tuple[int, int]:
        nonlocal left
        if not left:
            raise KilledError
        left -= 1
        return await whole(conn, part, after)

    monkeypatch.setattr(in_clear, "seal_stretch", dying)
    for most in range(30):
        left = most
        with suppress(KilledError):
            await seal_all(conn)
    assert not await in_clear.count(conn)
    assert not [word for word in PERSONAL if word in await stored(conn)]
    assert (await profile(conn))["email"] == "li.siyu@example.com"


class TestSealAndClear:
    """A fact with a seal that has something personal in the clear beside it: a field that was not personal before, or
    what somebody wrote beside a seal that they read."""

    async def test_it_is_under_one_seal_afterwards(self, conn: Conn):
        await apply(conn, SIGNUP, WITHDREW)
        await self.said_beside(conn, "candidate.signed_up", {"name": "another"})
        assert (await in_clear.count(conn)).facts == 1
        assert (await seal_all(conn)).facts == 1
        assert not await in_clear.count(conn)
        found = await stored(conn)
        assert not [word for word in (*PERSONAL, "another") if word in found]
        assert (await self.as_said(conn, "candidate.signed_up"))["data"] == SIGNUP["data"]

    async def test_what_stands_in_the_clear_is_said_too(self, conn: Conn):
        await apply(conn, WITHDREW | {"data": {"campaign": CAMPAIGN, "candidate": "c1"}, "subject": "Of Li"})
        await self.said_beside(conn, "candidate.withdrew", WITHDREW["data"])
        await seal_all(conn)
        assert await self.as_said(conn, "candidate.withdrew") == WITHDREW | {"subject": "Of Li"}
        assert not [word for word in PERSONAL if word in await stored(conn)]

    @pytest.mark.parametrize("noise", ["1.1.name.AAAAAAAAAAAAAAAAAAAAAAAAAAAA", "2.abc.name.AAAA", "what we had, once"])
    async def test_a_seal_that_nobody_opens_gives_way(self, conn: Conn, noise: str):
        await apply(conn, WITHDREW)
        await conn.execute("UPDATE facts SET event = event || %s", [json.dumps({SEALED: noise, "subject": "Of Li"})])
        await seal_all(conn)
        assert not await in_clear.count(conn)
        said = await self.as_said(conn, "candidate.withdrew")
        assert (said["subject"], "reason" in said["data"], SEALED in said) == ("Of Li", False, False)

    async def test_of_who_was_erased_nothing_stays(self, conn: Conn):
        await apply(conn, SIGNUP, WITHDREW, event("candidate.erased", candidate="c1", time=CUT))
        both = {SEALED: "1.1.name.AAAAAAAAAAAAAAAAAAAAAAAAAAAA", "subject": "Of Li"}
        await conn.execute("UPDATE facts SET event = event || %s WHERE candidate = 'c1'", [json.dumps(both)])
        await seal_all(conn)
        assert not [word for word in (*PERSONAL, f'"{SEALED}"') if word in await stored(conn)]

    async def test_it_comes_so_straight_over_kafka(self, conn: Conn):
        await apply(conn, SIGNUP)
        [(text,)] = await (await conn.execute(f"SELECT {WHOLE}::jsonb FROM facts f")).fetchall()
        data = {**text["data"], "candidate": "c1", "phone": "138 0013 8000"}
        await conn.execute("TRUNCATE facts, pending, journeys CASCADE")
        await apply(conn, {**text, "data": data, "comexampleother": "Of Li"})
        assert not [word for word in PERSONAL if word in await stored(conn)]
        assert (await profile(conn))["email"] == "li.siyu@example.com"

    @staticmethod
    async def said_beside(conn: Conn, type: str, data: dict[str, Any]) -> None:
        """Let the fact of this type say this in the clear, beside its seal."""
        kept = "jsonb_build_object('data', coalesce(event->'data', '{}') || %s::jsonb)"
        said = json.dumps(data, ensure_ascii=False)
        await conn.execute(f"UPDATE facts SET event = event || {kept} WHERE type = %s", [said, type])

    @staticmethod
    async def as_said(conn: Conn, type: str) -> dict[str, Any]:
        rows = await (await conn.execute(f"SELECT {WHOLE}::jsonb FROM facts f WHERE type = %s", [type])).fetchall()
        [fact] = await vault().open(conn, [build_fact(said) for (said,) in rows])
        return dict(fact.event)


class KilledError(BaseException):
    pass


async def as_an_earlier_version_left_it(conn: Conn) -> None:
    """Facts in the clear, names in journeys and in messages, and no vault."""
    rows = await (await conn.execute(f"SELECT seq, {WHOLE}::jsonb FROM facts f")).fetchall()
    said = await vault().open(conn, [build_fact(event) for _, event in rows])
    await ledger.rewrite(conn, [(seq, fact) for (seq, _), fact in zip(rows, said, strict=True)])
    known = await journeys.load(conn, [(CAMPAIGN, name) for name in ("c1", *"abcde")])
    await vault().embody(conn, {key: each.journey for key, each in known.items()})
    for each in known.values():
        each.journey.told = {}
    await journeys.store(conn, {key: (each, milestones(each.journey)) for key, each in known.items()})
    await make_plain(conn)
    before = "convert_to((convert_from(state, 'UTF8')::jsonb - 'told' - 'cut')::text, 'UTF8')"
    await conn.execute(f"UPDATE journeys SET state = {before}, drawn = NULL".encode())
    named = f"""UPDATE messages m SET source = {source_of("m")}, fact = {id_of("m")}, asked_by = NULL,
        params = {params_of("m")} || %s::jsonb WHERE candidate = 'c1' AND kind LIKE 'signup%%'"""
    await conn.execute(named, ['{"name": "李思雨"}'])
    await conn.execute("DELETE FROM vault.person")


async def test_what_was_sealed_for_the_platform_is_as_if_it_had_come_in_the_clear(conn: Conn):
    sealer = EntrySealer(await vault().entry_key(conn), os.urandom)
    sealed = [sealer.seal(each) for each in (opened(), SIGNUP, WITHDREW)]
    assert all(word not in json.dumps(sealed, ensure_ascii=False) for word in PERSONAL)
    await apply(conn, *sealed)
    assert await profile(conn) == {"name": "李思雨", "email": "li.siyu@example.com", "phone": "138 0013 8000"}
    kept = await stored(conn)
    assert all(word not in kept for word in PERSONAL)
    told = json.dumps(await export(conn, CAMPAIGN, "c1"), ensure_ascii=False, default=str)
    assert all(word in told for word in PERSONAL)
    await apply(conn, event("candidate.erased", candidate="c1", time=AFTER), *sealed)
    assert await profile(conn) == {}
    assert await dead_letters.count(conn) == 0


async def test_it_opens_after_the_keys_were_changed_and_no_longer_than_said(conn: Conn, tmp_path: Path):
    make_master(tmp_path / "master.key")
    master = FileMaster(tmp_path / "master.key")
    own, before = Vault(master), await vault().entry_key(conn)
    await conn.execute("DELETE FROM vault.entry_key")
    await conn.execute("DELETE FROM vault.person")
    first = await own.entry_key(conn)
    assert (await own.entry_key(conn) == first, first == before) == (True, False)
    sealed = validate_event(EntrySealer(first, os.urandom).seal(SIGNUP))
    for _ in range(2):
        master.rotate()
        await entry_keys.renew(conn, master, os.urandom)
        await rotating.wrap_anew(conn, master)
    assert await own.entry_key(conn) != first
    [found] = await own.accept(conn, [sealed])
    assert isinstance(found, Fact)
    assert found.event == SIGNUP
    await conn.execute("UPDATE vault.entry_key SET replaced_at = replaced_at - interval '31 days'")
    await entry_keys.renew(conn, master, os.urandom)
    [found] = await own.accept(conn, [sealed])
    assert isinstance(found, InvalidFact)
    assert first.id in str(found)


async def test_what_can_t_be_opened_or_is_no_fact_inside_is_a_dead_letter_and_the_rest_goes_on(conn: Conn):
    sealer = EntrySealer(await vault().entry_key(conn), os.urandom)
    foreign = EntrySealer(public_of(os.urandom(32)), os.urandom)
    bad = sealer.seal(signed_up("c3", id="bad", email="no address"))
    await apply(conn, opened(), foreign.seal(signed_up("c2", id="foreign")), bad, sealer.seal(SIGNUP))
    assert (await profile(conn))["name"] == "李思雨"
    reasons = sorted(each.reason for each in await dead_letters.listed(conn))
    assert "data.email" in reasons[0]
    assert "is not, or no longer, here" in reasons[1]
    assert "no address" not in await stored(conn)
    with pytest.raises(InvalidFact, match="no longer"):
        await accept(conn, [validate_event(foreign.seal(signed_up("c2", id="foreign")))], posted_by=None)
