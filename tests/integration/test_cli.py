"""The command `yinfeng` against a real Postgres and a real web app: what it says, and its exit codes."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from storage.database import connect
from storage.ledger import dead_letters
from storage.ledger.dead_letters import DeadLetter
from storage.vault import process
from storage.vault.persons import file_vault
from streams.apply import apply_batch
from streams.intake import Incoming
from streams.retention import survey
from tests.facts import CAMPAIGN, event, hired, opened, signed_up, target
from tests.platform import free_port, until
from tests.processes import part
from tests.strategies import Event
from yinfeng import cli
from yinfeng.status_file import ChildState, PlatformState, state_path, write_state

NOBODY = "127.0.0.1:1"


@dataclass
class Said:
    code: int
    out: str
    err: str


Command = Callable[..., Said]


@pytest.fixture
def yinfeng(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Command:
    """Runs a command, as the installed script does."""
    settings = {"HOME": str(tmp_path / "home"), "DATABASE_URL": database_url, "KAFKA": NOBODY}
    for name, value in settings.items():
        monkeypatch.setenv(f"YINFENG_{name}", value)
    monkeypatch.setenv("COLUMNS", "250")

    def run(*words: str, stdin: bytes = b"") -> Said:
        monkeypatch.setattr(sys, "argv", ["yinfeng", *words])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capfd.readouterr()
        return Said(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def web(database_url: str, tmp_path: Path, yinfeng: Command, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A web app in a process of its own, and an organizer's key for the commands."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("YINFENG_URL", url)
    monkeypatch.setenv("YINFENG_KEY", yinfeng("keys", "create", "me", "--role", "organizer").out.strip())
    with part(tmp_path / "web", "web", "--port", str(port), database_url=database_url, kafka=NOBODY) as running:
        until(lambda: running.process.poll() is not None or answers(url))
        yield url


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def ndjson(events: list[Event]) -> bytes:
    return b"".join(json.dumps(event, ensure_ascii=False).encode() + b"\n" for event in events)


def test_posting_a_file_again_says_how_many_were_known(yinfeng: Command, web: str, tmp_path: Path):
    lines = ndjson([signed_up(f"c{n}", id=f"e{n}") for n in range(2500)])
    plain, packed = tmp_path / "facts.ndjson", tmp_path / "facts.ndjson.gz"
    plain.write_bytes(lines)
    packed.write_bytes(gzip.compress(lines + ndjson([signed_up("one-more", id="x")])))
    first = yinfeng("post", str(plain))
    assert (first.code, first.out) == (0, "2500 accepted, 0 duplicates, 0 rejected\n")
    assert yinfeng("post", str(plain)).out == "0 accepted, 2500 duplicates, 0 rejected\n"
    assert yinfeng("post", str(packed)).out == "1 accepted, 2500 duplicates, 0 rejected\n"
    assert yinfeng("post", "-", stdin=lines[: lines.index(b"\n")]).out == "0 accepted, 1 duplicates, 0 rejected\n"
    assert yinfeng("post", "-", stdin=gzip.compress(lines)).out == "0 accepted, 2500 duplicates, 0 rejected\n"
    assert yinfeng("post", "-", stdin=b"").out == "0 accepted, 0 duplicates, 0 rejected\n"


def test_bad_lines_are_named_by_their_number_and_harm_no_other(yinfeng: Command, web: str):
    lines = ndjson([signed_up("c1")]) + b"\n{nonsense\n" + ndjson([signed_up("c2", id="bad", emial="x"), hired("c3")])
    said = yinfeng("post", "-", stdin=lines)
    assert (said.code, said.out) == (1, "2 accepted, 0 duplicates, 2 rejected\n")
    assert "line 3 (id None): event: is not JSON" in said.err
    assert "line 4 (id bad): data.emial: unknown key; did you mean 'email'?" in said.err


def test_what_can_not_be_posted_is_said(yinfeng: Command, web: str):
    for words, code, says in (
        (("post", "/nowhere"), 2, "/nowhere can't be read"),
        (("post", "-", "--key", "yf_0_0"), 1, "401: the key is wrong"),
    ):
        said = yinfeng(*words, stdin=ndjson([signed_up("c1")]))
        assert said.code == code
        assert says in said.err


def test_keys_are_made_listed_and_revoked(yinfeng: Command):
    token = yinfeng("keys", "create", "华友", "--role", "employer", "--employer", "huayou").out.strip()
    _, id, secret = token.split("_", 2)
    listed = yinfeng("keys", "list").out
    assert {id, "华友", "employer", "huayou"} <= set(listed.split())
    assert secret not in listed
    assert yinfeng("keys", "revoke", id).out == "revoked\n"
    again = yinfeng("keys", "revoke", id)
    assert (again.code, "there is no living key" in again.err) == (1, True)
    assert yinfeng("keys", "create", "x", "--role", "king").code == 1
    assert yinfeng("keys", "create", "x", "--role", "employer").code == 1
    assert yinfeng("keys", "create", "x", "--role", "viewer", "--employer", "e").code == 1


def test_walls_are_made_listed_and_revoked(yinfeng: Command):
    link = yinfeng("walls", "create", "大厅", "--campaign", CAMPAIGN).out.strip()
    assert re.search(r"^http\S+/wall/\S{60,}$", link)
    listed = yinfeng("walls", "list").out
    assert "大厅" in listed
    assert link.rpartition("/")[2] not in listed
    found = re.search(r"[0-9a-f]{12}", listed)
    assert found
    assert yinfeng("walls", "revoke", found[0]).out == "revoked\n"
    again = yinfeng("walls", "revoke", found[0])
    assert again.code == 1
    assert "yinfeng walls list" in again.err
    assert yinfeng("walls", "--help").code == 0


def apply(database_url: str, *values: Event | bytes) -> None:
    async def run() -> None:
        async with await connect(database_url, name="test") as conn:
            raw = [value if isinstance(value, bytes) else json.dumps(value).encode() for value in values]
            messages = [Incoming("yinfeng.facts", 3, n, None, value, ()) for n, value in enumerate(raw)]
            await apply_batch(conn, messages, now=datetime.now(UTC))

    asyncio.run(run())


@contextmanager
def database(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def test_dead_letters_are_listed_retried_and_dropped(yinfeng: Command, database_url: str):
    assert "No dead letters" in yinfeng("dead-letters", "list").out
    apply(database_url, b"\xffgarbage", hired("c1"))
    bury(database_url, json.dumps(hired("c2", id="mended")).encode())
    with database(database_url) as connection:
        garbage, mended = [id for (id,) in connection.execute("SELECT id FROM dead_letters ORDER BY id")]
    listed = yinfeng("dead-letters", "list").out
    assert "yinfeng.facts 3:0" in listed
    assert "is not JSON" in listed
    said = yinfeng("dead-letters", "retry", str(garbage), str(mended))
    assert said.code == 1
    assert f"{mended}: posted again" in said.out
    assert f"{garbage}: : is not JSON" in said.out or f"{garbage}: is not JSON" in said.out
    with database(database_url) as connection:
        waiting = connection.execute("SELECT f.id FROM pending JOIN facts f USING (seq)").fetchall()
    assert waiting == [("mended",)]
    assert yinfeng("dead-letters", "drop", str(garbage), "999").out == "1 deleted\n"
    assert yinfeng("dead-letters", "retry", str(garbage)).code == 1
    assert "No dead letters" in yinfeng("dead-letters", "list").out


def bury(database_url: str, value: bytes) -> None:
    async def run() -> None:
        letter = DeadLetter(
            topic="yinfeng.facts", partition=0, offset=9, key=None, value=value, headers={}, reason="a bug, mended"
        )
        async with await connect(database_url, name="test") as conn:
            await dead_letters.bury(conn, [letter])

    asyncio.run(run())


def test_audit_finds_nothing_where_nothing_is_wrong(yinfeng: Command, database_url: str):
    assert yinfeng("audit").code == 0
    apply(database_url, opened(), target("t"), signed_up("c1"), hired("c1"), hired("c2"))
    said = yinfeng("audit")
    assert (said.code, "drift 0" in said.out) == (0, True)


@pytest.mark.parametrize(
    ("tampering", "named"),
    [
        ("UPDATE targets SET progress = progress + 1", f"target {CAMPAIGN}/t"),
        ("UPDATE targets SET goal = 7", f"target {CAMPAIGN}/t"),
        ("DELETE FROM targets", f"target {CAMPAIGN}/t"),
        ("UPDATE target_days SET day = day + 1", f"target {CAMPAIGN}/t"),
        (("INSERT INTO targets (campaign, target, title, measure, goal, due_on, \"where\") "
         f"VALUES ('{CAMPAIGN}', 'ghost', 'g', 'hired', 1, '2026-01-01', '{{}}')"), f"target {CAMPAIGN}/ghost"),
        ("UPDATE journeys SET state = '{}' WHERE candidate = 'c1'", f"journey {CAMPAIGN}/c1"),
        ("DELETE FROM journeys WHERE candidate = 'c1'", f"journey {CAMPAIGN}/c1"),
        ("DELETE FROM facts WHERE candidate = 'c2'", f"journey {CAMPAIGN}/c2"),
    ],
)  # fmt: skip
def test_audit_names_what_differs(yinfeng: Command, database_url: str, tampering: str, named: str):
    apply(database_url, opened(), target("t"), signed_up("c1"), hired("c1"), hired("c2"))
    with database(database_url) as connection:
        connection.execute(tampering)
    said = yinfeng("audit")
    assert said.code == 1
    assert named in said.out + said.err
    assert "drift 0" not in said.out


def test_status_counts(yinfeng: Command, database_url: str):
    apply(database_url, b"garbage", hired("c1"))
    said = json.loads(yinfeng("status", "--json").out)
    assert (said["dead_letters"], said["unapplied"]) == (1, 0)
    assert said["lag"].startswith("unknown")


def test_status_says_where_senders_are_lost(yinfeng: Command, database_url: str):
    assert "senders of mails" not in yinfeng("status").out
    with database(database_url) as connection:
        connection.execute(
            """INSERT INTO beats (holder, at, facts, conflicts, outages, lost_senders, sender_trouble)
            VALUES ('host:1', now(), 0, 0, 0, 5, 'ended with 1')"""
        )
    said = " ".join(yinfeng("status").out.split())
    assert "worker host:1 has lost 5 senders of mails, the last ended with 1: mails may wait. Its log says" in said
    assert json.loads(yinfeng("status", "--json").out)["lost_senders"] == [
        {"worker": "host:1", "number": 5, "trouble": "ended with 1"}
    ]


def test_status_says_where_mail_goes(yinfeng: Command, monkeypatch: pytest.MonkeyPatch):
    assert "written to by the local mailbox" in yinfeng("status").out
    monkeypatch.setenv("YINFENG_SENDGRID_API_KEY", "SG.key")
    assert "this leads abroad" in yinfeng("status").out
    monkeypatch.setenv("YINFENG_MAIL_ABROAD", "false")
    said = json.loads(yinfeng("status", "--json").out)["mail"]
    assert (said["way"], said["abroad"], said["messages_that_wait_for_consent"]) == ("sendgrid", False, 0)


def test_a_campaign_s_channel_is_shown_and_changed(
    yinfeng: Command, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    apply(database_url, opened(), signed_up("c1"))
    assert "usually: by the local mailbox" in yinfeng("channels").out
    assert "not set up here" in yinfeng("channels", "--campaign", CAMPAIGN, "--by", "smtp").err
    assert "give --campaign" in yinfeng("channels", "--by", "local").err
    monkeypatch.setenv("YINFENG_SENDGRID_API_KEY", "SG.key")
    monkeypatch.setenv("YINFENG_SMTP_URL", "smtp://mail.example")
    assert "YINFENG_MAIL_BY" in yinfeng("channels").err
    monkeypatch.setenv("YINFENG_MAIL_BY", "sendgrid")
    said = yinfeng("channels", "--campaign", CAMPAIGN, "--by", "smtp", "--wait-for-consent").out
    assert f"{CAMPAIGN}: by SMTP; this does not lead abroad" in said
    assert "PIPL asks" in said
    yinfeng("channels", "--campaign", CAMPAIGN, "--by", "usual")
    assert "waits for consent to that: 0 messages wait" in yinfeng("status").out
    yinfeng("channels", "--campaign", CAMPAIGN, "--by", "smtp", "--no-wait")
    monkeypatch.delenv("YINFENG_SMTP_URL")
    assert f"{CAMPAIGN}: by SMTP, which is not set up here" in " ".join(yinfeng("status").out.split())
    [each] = json.loads(yinfeng("status", "--json").out)["mail"]["campaigns"]
    assert (each["way"], each["set_up"], each["waits_for_consent"]) == ("smtp", False, False)


def test_retention_is_shown_and_changed(yinfeng: Command, database_url: str):
    assert "Nothing is due" in yinfeng("retention").out
    apply(database_url, opened(), signed_up("c1"))

    async def due_today() -> None:
        async with await connect(database_url, name="test") as conn:
            await survey(conn)
            await conn.execute("UPDATE vault.retention SET due_at = now()")

    asyncio.run(due_today())
    said = yinfeng("retention").out
    assert "asked whether they want to be kept" in said
    assert "not heard of for nearly 12 months" in said
    assert "c1" not in said
    told = yinfeng("retention", "--campaign", CAMPAIGN, "--outcome", "not_hired", "--keep", "24", "--hold", "0").out
    assert f"{CAMPAIGN} · not_hired: 24 months in sight, 0 hidden" in told
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT action, campaign FROM audit").fetchall() == [("retention_set", CAMPAIGN)]


@pytest.mark.parametrize(
    "words",
    [
        ("--keep", "5"),
        ("--campaign", CAMPAIGN, "--outcome", "hired"),
        ("--campaign", CAMPAIGN, "--outcome", "fired", "--keep", "5"),
        ("--campaign", "nobody", "--outcome", "hired", "--keep", "5"),
        ("--campaign", CAMPAIGN, "--outcome", "hired", "--keep", "700"),
    ],
)
def test_terms_that_make_no_sense_are_refused(yinfeng: Command, database_url: str, words: tuple[str, ...]):
    apply(database_url, opened())
    said = yinfeng("retention", *words)
    assert said.code == 1
    assert said.err.startswith("yinfeng: ")


EVERY = [(name,) for name in cli.COMMANDS]
EVERY += [(group, name) for group, (_, commands) in cli.GROUPS.items() for name in commands]


@pytest.mark.parametrize("words", [(), *EVERY, *((group,) for group in cli.GROUPS)], ids=" ".join)
def test_every_command_explains_itself(yinfeng: Command, words: tuple[str, ...]):
    said = yinfeng(*words, "--help")
    assert (said.code, said.err) == (0, "")
    assert "Usage" in said.out


def test_the_vault_is_proven_kept_and_read_by_commands(
    yinfeng: Command, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    key = tmp_path / "own.key"  # a copy: the one of all tests is not rotated
    shutil.copy(os.environ["YINFENG_MASTER_KEY_FILE"], key)
    monkeypatch.setenv("YINFENG_MASTER_KEY_FILE", str(key))
    monkeypatch.setattr(process, "_opened", [file_vault(key)])
    apply(database_url, opened(), target("t"), signed_up("c1", name="李思雨"), signed_up("c2"))
    assert yinfeng("vault", "check").code == 0
    assert len(yinfeng("vault", "entry-key").out.split()) == 1
    assert json.loads(yinfeng("vault", "export", CAMPAIGN, "c1").out)["person"]["name"] == "李思雨"
    before = key.read_text()
    assert "keys are wrapped anew" in yinfeng("vault", "rotate").out
    assert key.read_text() != before
    assert json.loads(yinfeng("vault", "export", CAMPAIGN, "c1").out)["person"]["name"] == "李思雨"
    with database(database_url) as conn:
        conn.execute("""UPDATE facts SET event = event - 'sealed' || '{"subject": "Of Li"}' WHERE candidate = 'c2'""")
    assert (yinfeng("vault", "check").code, yinfeng("vault", "seal").code, yinfeng("vault", "check").code) == (1, 0, 0)
    assert yinfeng("vault", "receipt", CAMPAIGN, "c1").code != 0
    apply(database_url, event("candidate.erased", candidate="c1", time="2026-04-01T09:00:00+08:00"))
    said = {lang: yinfeng("vault", "receipt", CAMPAIGN, "c1", "--lang", lang).out for lang in ("en", "zh-CN")}
    assert json.loads(said["en"]).keys() == json.loads(said["zh-CN"]).keys()
    assert said["en"] != said["zh-CN"]
    assert "李思雨" not in yinfeng("vault", "export", CAMPAIGN, "c1").out


def test_without_servers_or_a_key_the_next_step_is_said(yinfeng: Command, monkeypatch: pytest.MonkeyPatch):
    for name in ("DATABASE_URL", "KAFKA"):
        monkeypatch.delenv(f"YINFENG_{name}")
    for words in (("audit",), ("status",), ("keys", "list"), ("worker",)):
        said = yinfeng(*words)
        assert (said.code, "yinfeng up" in said.err) == (1, True)
    said = yinfeng("post", "-")
    assert (said.code, "YINFENG_KEY" in said.err) == (1, True)


def test_status_shows_the_parts_also_while_postgres_is_away(
    yinfeng: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """That is when somebody looks."""
    monkeypatch.setenv("YINFENG_DATABASE_URL", "postgresql://127.0.0.1:1/nowhere")
    own = psutil.Process()
    gone = ChildState(
        name="postgres", pid=None, created=0, state="failed", restarts=7, last_exit="ended by SIGKILL", stop_signal=2
    )
    state = PlatformState(
        pid=own.pid,
        created=own.create_time(),
        address="http://127.0.0.1:8000",
        started_at=datetime.now(UTC),
        start_seconds=3.5,
        database_url=None,
        kafka=None,
        children=(gone,),
    )
    home = tmp_path / "home"
    state_path(home).parent.mkdir(parents=True, exist_ok=True)
    write_state(home, state)
    said = yinfeng("status")
    assert (said.code, said.err.startswith("yinfeng: Postgres does not answer")) == (1, True)
    assert re.search(r"postgres .* failed .* 7 .* ended by SIGKILL", said.out)


def test_an_error_of_ours_is_one_line(yinfeng: Command, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("YINFENG_DATABASE_URL", "postgresql://127.0.0.1:1/nowhere")
    said = yinfeng("audit")
    assert said.code == 1
    assert said.err.startswith("yinfeng: Postgres does not answer")
    assert "Traceback" not in said.err
