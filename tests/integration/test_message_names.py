"""A message's name outside is its number, enciphered: it names this message alone, and those of before keep theirs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.database import make_pool
from storage.messages import by_link
from storage.messages.nonces import Nonces
from tests.facts import event, opened, signed_up
from tests.integration.office import Office

KEY = bytes(range(32))
IDS = st.integers(1, 2**48 - 1)
UNTIL = """INSERT INTO secrets (name, value)
VALUES ('events_whole_until', convert_to((now() + interval '1 hour')::text, 'UTF8'))"""


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    async with make_pool(database_url, name="test") as pool:
        yield Office(pool)


@given(IDS, st.text(), st.text())
def test_a_name_tells_its_number_to_who_has_the_secret_and_is_of_one_reason(id: int, reason: str, other: str):
    names = Nonces(KEY)
    name = UUID(names.of(id, reason, None))
    assert names.number(name) == id
    assert (names.of(id, other, None) == str(name)) == (reason == other)
    assert Nonces(KEY[::-1]).of(id, reason, None) != str(name)


def test_one_that_was_drawn_is_kept():
    drawn = str(uuid4())
    assert Nonces(KEY).of(1, "reason", drawn) == drawn


async def test_messages_are_found_by_their_names_and_by_no_others(office: Office):
    await office.tell(opened(), signed_up("c1"), signed_up("c2"))
    assert await office.rows("SELECT DISTINCT nonce FROM messages") == [(None,)]
    names = await office.names()
    async with office.pool.connection() as conn:
        asked = [*names.values(), str(uuid4()), "1", "01", "not-a-name"]
        assert await by_link.ids(conn, asked) == {name: id for id, name in names.items()}
        for id, name in names.items():
            found = await by_link.find(conn, name)
            assert found is not None
            assert (found.id, found.nonce) == (id, name)
        assert await by_link.find(conn, str(uuid4())) is None


async def test_a_number_that_is_given_again_has_another_name(office: Office):
    """As in a database that was restored from before the mail was written."""
    await office.tell(opened(), signed_up("c1"))
    [(id, name)] = (await office.names()).items()
    await office.change("UPDATE messages SET dedupe_key = 'of another reason'")
    async with office.pool.connection() as conn:
        assert await by_link.ids(conn, [name]) == {}
        assert await by_link.find(conn, name) is None
    assert (await office.names())[id] != name


async def test_for_a_day_names_are_drawn_as_the_version_before_knows_them(office: Office):
    await office.change(UNTIL)
    await office.tell(opened(), signed_up("c1"), event("candidate.checked_in", candidate="c1", fair="f1"))
    drawn = dict(await office.rows("SELECT id, nonce::text FROM messages"))
    assert drawn
    assert await office.names() == drawn
    async with office.pool.connection() as conn:
        assert await by_link.ids(conn, list(drawn.values())) == {name: id for id, name in drawn.items()}


@pytest.mark.parametrize(("beside", "said"), [(True, (0, False)), (False, (None, None))])
async def test_for_a_day_a_message_says_what_the_version_before_goes_by(
    office: Office, beside: bool, said: tuple[int | None, bool | None]
):
    """How often it was begun, and whether it was forgotten; later, nothing says what goes without saying."""
    if beside:
        await office.change(UNTIL)
    await office.tell(opened(), signed_up("c1", email="c1@example.cn"))
    assert await office.rows("SELECT attempts, forgotten FROM messages") == [said]
    await office.sender().send_all()
    assert await office.rows("SELECT attempts, forgotten, address IS NULL FROM messages") == [(1, said[1], False)]
    await office.tell(event("candidate.erased", candidate="c1"))
    [first, *_] = await office.rows("SELECT attempts, forgotten, address IS NULL FROM messages ORDER BY id")
    assert first == (1, True, True)


async def test_two_messages_never_have_one_drawn_name(office: Office):
    await office.tell(opened(), signed_up("c1"), signed_up("c2"))
    with pytest.raises(psycopg.errors.UniqueViolation):
        await office.change("UPDATE messages SET nonce = '00000000-0000-0000-0000-000000000001'")


async def test_one_that_is_named_anew_is_no_longer_known_by_its_number(office: Office):
    """As those that went astray are."""
    await office.tell(opened(), signed_up("c1"))
    [(id, before)] = (await office.names()).items()
    await office.change("UPDATE messages SET nonce = gen_random_uuid()")
    [after] = (await office.names()).values()
    async with office.pool.connection() as conn:
        assert await by_link.ids(conn, [before, after]) == {after: id}
        assert await by_link.find(conn, before) is None
