"""Persons of distinctive names go all roads, are erased, and nothing of them is found: not in the database's files, nor
in its dump, nor in logs, topics and what the platform answers. Only what docs/privacy.md names."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from producers.client import BulkPoster
from schemas import proofs
from schemas.topics import DEAD_LETTERS, FACTS, MESSAGES, OUTCOMES, PROGRESS
from storage.database import connect
from storage.messages.link_secret import load_secret
from tests.access import COOKIE, csrf, session_of
from tests.facts import CAMPAIGN, event, opened, signed_up
from tests.integration.test_signup_http import solve
from tests.opened import opened as opened_rows
from tests.platform import Platform, stop, until, whole
from yinfeng.embedded.postgres import binaries

SEALED = "端木惜时Yolande"  # whose poster seals before it is sent
NAMES = ("欧阳清澜Zephyrine", "赛飞丽娅Quillon", "仲孙墨白Ottoline", "mended-Xenophon", SEALED)
WORDS = (
    "zephyrine.q.ouyang", "quillon.saifei", "ottoline.zhongsun", "yolande.duanmu",  # addresses
    "139 1234 8765", "13912348765", "+44 20 7946 0958",
    "homesick-for-Lhasa", "of-Zephyrine-herself", "salary-of-48-thousand", "Fang-Wang-of-desk-nine",
    "Zephyrine-in-a-PDF", "broken-Zephyrine"
)  # fmt: skip
PDF = b"%PDF-1.7\n1 0 obj <</T (Zephyrine-in-a-PDF)>> endobj\ntrailer <<>>\n%%EOF\n"
FAIR = event("fair.scheduled", fair="f1", title="Spring fair", mode="onsite", starts_at="2094-03-08T09:00:00+08:00",
             ends_at="2094-03-08T16:00:00+08:00", employers=["huayou"])  # fmt: skip
OFFER = {"offer": "o1", "employer": "huayou", "position": "Chemist", "salary": "salary-of-48-thousand",
         "contact": "Fang-Wang-of-desk-nine"}  # fmt: skip


def patterns(words: Sequence[str]) -> dict[bytes, str]:
    """What to look for, and which word it is: as it is, escaped for JSON, UTF-16, hex and base64."""
    found: dict[bytes, str] = {}
    for word in words:
        raw = word.encode()
        for form in (raw, json.dumps(word)[1:-1].encode(), word.encode("utf-16-le"), word.encode("utf-16-be")):
            found[form] = word
            found[form.hex().encode()] = found[form.hex().upper().encode()] = word
            for shift in range(3):
                inside = base64.b64encode(b"\0" * shift + form)[4 : -4 if len(form) > 9 else None]
                found[inside] = found[base64.urlsafe_b64encode(base64.b64decode(inside))] = word
    return found


def seen_in(data: bytes, wanted: dict[bytes, str]) -> set[str]:
    """Which words are there. One search for each form: a regex of them all takes eight times as long."""
    held = data.rstrip(b"\0") + b"\0"  # files are made longer than what they hold; UTF-16 may end in one zero
    return {word for form, word in wanted.items() if form in held}


def found_under(folder: Path, said: Sequence[str]) -> dict[str, set[str]]:
    """Files in which any of the words is, and which."""
    wanted = patterns(said)
    seen: dict[str, set[str]] = {}
    for each in folder.rglob("*"):
        with suppress(FileNotFoundError):  # Postgres makes and removes files all the time
            if each.is_file() and (words := seen_in(each.read_bytes(), wanted)):
                seen[str(each.relative_to(folder))] = words
    return seen


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    running = whole(tmp_path / "home")
    yield running
    stop(running)


class Played:
    """Everything that persons and people who work here do, against the running platform."""

    def __init__(self, platform: Platform) -> None:
        self.url = f"http://127.0.0.1:{platform.port}"
        self.database, self.kafka = platform.state().database_url or "", platform.state().kafka or ""
        key = (platform.home / "organizer.key").read_text().strip()
        self.env = {**os.environ, "YINFENG_HOME": str(platform.home)}
        self.http = httpx.Client(base_url=self.url, timeout=30)
        self.organizer = {"Authorization": f"Bearer {key}"}

    def post(self, *events: dict[str, Any]) -> None:
        headers = {**self.organizer, "Content-Type": "application/cloudevents-batch+json", "Prefer": "wait=20"}
        assert self.http.post("/v1/events", content=json.dumps(events), headers=headers).status_code == 202

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        return asyncio.run(opened_rows(self.database, query, values))

    def text_with(self, purpose: str, who: str) -> str:
        """The newest link of a purpose in somebody's mails."""
        query = "SELECT text FROM mails JOIN messages m ON m.id = message WHERE recipient = %s ORDER BY m.id DESC"
        link = rf"https?://[^/\s]+(/{purpose}/\S+)"
        until(lambda: any(re.search(link, text) for (text,) in self.rows(query, [who])))
        found = next(match for (text,) in self.rows(query, [who]) if (match := re.search(link, text)))
        return found[1]

    def over_http(self) -> None:
        self.post(opened(signup="open"), event("employer.set", employer="huayou", name="Huayou"), FAIR)
        self.post({**signed_up("c1", name=NAMES[0], email="zephyrine.q.ouyang@example.com", phone="139 1234 8765",
                               fair="f1"), "subject": "of-Zephyrine-herself"})  # fmt: skip
        self.post(event("offer.extended", candidate="c1", **OFFER))

    def over_kafka(self) -> None:
        with BulkPoster(self.kafka) as poster:
            poster.post([signed_up("c3", name=NAMES[2], email="ottoline.zhongsun@example.com",
                                   phone="+44 20 7946 0958"),
                         event("candidate.withdrew", candidate="c3", reason="homesick-for-Lhasa")])  # fmt: skip
        broken = {**signed_up("c1", name="broken-Zephyrine"), "type": "candidate.signedup"}
        producer = KafkaProducer(bootstrap_servers=self.kafka)
        producer.send(FACTS, json.dumps(broken).encode(), key=f"{CAMPAIGN}/c1".encode())
        producer.close()
        key = self.http.get("/v1/entry-key", headers=self.organizer).json()["key"]
        with BulkPoster(self.kafka, seal_with=key) as poster:
            poster.post([signed_up("c4", name=SEALED, email="yolande.duanmu@example.com")])
        until(lambda: self.rows("SELECT count(*) FROM facts WHERE candidate = 'c4'") == [(1,)])
        until(lambda: self.rows("SELECT count(*) FROM dead_letters") == [(1,)])
        until(lambda: self.rows("SELECT count(*) FROM facts WHERE candidate = 'c3'") == [(2,)])

    def by_form(self) -> None:
        async def secret() -> bytes:
            async with await connect(self.database, name="test") as conn:
                return await load_secret(conn)

        for signup in ("open", "checked"):
            self.post(opened(signup=signup, id=f"opened-{signup}", time=f"2026-06-0{len(signup) // 2}T09:00:00+08:00"))
            then = datetime.now(UTC) - timedelta(seconds=60)
            challenge = proofs.issue(asyncio.run(secret()), f"{random.getrandbits(128):032x}", then)
            form = {"name": NAMES[1], "email": f"quillon.saifei{signup}@example.com", "education": "bachelor",
                    "employers": "1", "token": challenge.token, "solution": solve(challenge)}  # fmt: skip
            assert self.http.post(f"/fairs/{CAMPAIGN}/f1", data=form).status_code == 303
        assert self.http.post(self.text_with("signup", "quillon.saifeichecked@example.com")).status_code == 303

    def on_their_own_page(self) -> None:
        mine = self.text_with("me", "zephyrine.q.ouyang@example.com")
        assert self.http.post(f"{mine}/correct", data={"name": "mended-Xenophon"}).status_code == 303
        assert "mended-Xenophon" in self.http.get(f"{mine}/data.json").text

    def with_a_document(self) -> None:
        async def session() -> str:
            async with await connect(self.database, name="test") as conn:
                return await session_of(conn, "organizer")

        cookie = {"cookie": f"{COOKIE}={asyncio.run(session())}"}
        at = f"/forms/offer?campaign={CAMPAIGN}&candidate=c1"
        page = self.http.get(at, headers=cookie).text
        token = re.search(r'name="form" value="(\w+)"', page)
        assert token
        form = {"csrf": csrf(page), "form": token[1], "employer": "huayou", "position": "Chemist"}
        files = {"document": ("offer.pdf", PDF, "application/pdf")}
        sent = self.http.post(at, data=form, files=files, headers={**cookie, "accept": "text/html"})
        assert sent.status_code == 303, sent.text

    def answers(self) -> bytes:
        """What the platform says to an organizer, of all persons."""
        paths = [
            f"/v1/campaigns/{CAMPAIGN}/candidates",
            "/v1/messages?limit=1000",
            "/messages",
            f"/campaigns/{CAMPAIGN}",
        ]
        paths += [f"/v1/campaigns/{CAMPAIGN}/candidates/{who}" for who in self.candidates()]
        found = [self.http.get(path, headers=self.organizer).content for path in paths]
        return b"\n".join([*found, *self.tables(), *map(self.export, self.candidates())])

    def tables(self) -> list[bytes]:
        """The list of candidates as it is taken away."""
        of = f"/v1/campaigns/{CAMPAIGN}/candidates?format="
        csv, xlsx = (self.http.get(f"{of}{name}", headers=self.organizer).content for name in ("csv", "xlsx"))
        with ZipFile(BytesIO(xlsx)) as archive:
            return [csv, *map(archive.read, archive.namelist())]

    def export(self, candidate: str) -> bytes:
        """All that is held about one person, as the command prints it."""
        command = [sys.executable, "-m", "yinfeng", "vault", "export", CAMPAIGN, candidate]
        return subprocess.run(command, env=self.env, capture_output=True, check=True).stdout

    def candidates(self) -> list[str]:
        return [who for (who,) in self.rows("SELECT candidate FROM journeys")]

    def settled(self) -> bool:
        return self.rows(
            "SELECT count(*) FROM messages WHERE status IN ('requested', 'claimed') AND not_before IS NULL"
        ) == [(0,)]


def values(kafka: str, name: str) -> bytes:
    """What lies on a topic, byte by byte."""
    consumer = KafkaConsumer(bootstrap_servers=kafka, consumer_timeout_ms=2000, auto_offset_reset="earliest")
    consumer.assign([TopicPartition(name, n) for n in sorted(consumer.partitions_for_topic(name) or ())])
    found = b"\n".join(each.value or b"" for each in consumer)
    consumer.close()
    return found


def topics(kafka: str, names: Sequence[str]) -> bytes:
    """All that lies on these topics."""
    consumer = KafkaConsumer(bootstrap_servers=kafka, consumer_timeout_ms=2000, auto_offset_reset="earliest")
    consumer.assign(
        [TopicPartition(name, n) for name in names for n in sorted(consumer.partitions_for_topic(name) or ())]
    )
    found = b"\n".join(b"%r %r %r" % (each.key, each.value, each.headers) for each in consumer)
    consumer.close()
    return found


@contextmanager
def everything_played(platform: Platform) -> Iterator[Played]:
    played = Played(platform)
    with played.http:
        played.over_http()
        played.over_kafka()
        played.by_form()
        played.on_their_own_page()
        played.with_a_document()
        until(played.settled)
        yield played


@pytest.mark.timeout(600)
def test_nothing_of_an_erased_person_is_left_but_what_is_said(platform: Platform, tmp_path: Path):
    with everything_played(platform) as played:
        every = [*NAMES, *WORDS]
        for told in (played.answers(), b"".join(played.tables())):
            assert [name for name in (NAMES[1], NAMES[2], SEALED) if name.encode() not in told] == []
        wanted = patterns([NAMES[2], SEALED, "yolande.duanmu"])
        in_facts = seen_in(values(played.kafka, FACTS), wanted)
        assert in_facts == {NAMES[2]}, "who seals before it is sent leaves nothing on the topic"
        readable = found_under(platform.home, WORDS)
        assert readable == {}, "before the erasure too, nothing but names can be read without the key"

        for who in played.candidates():
            played.post(event("candidate.erased", candidate=who, time=datetime.now(UTC).isoformat()))
        until(
            lambda: played.rows("SELECT count(*) FROM vault.person WHERE key IS NOT NULL AND candidate <> ''") == [(0,)]
        )
        until(lambda: played.rows("SELECT count(*) FROM vault.person WHERE NOT registered") == [(0,)])
        with psycopg.connect(played.database, autocommit=True) as connection:
            connection.execute("VACUUM")
            connection.execute("CHECKPOINT")
            (file,) = connection.execute("SELECT pg_relation_filepath('vault.person')").fetchone() or ("",)
            pages = found_under(platform.home / "postgres" / "base", every)
            assert set(pages) <= {file.removeprefix("base/")}
            assert set().union(*pages.values()) <= {*NAMES}
            connection.execute("VACUUM FULL vault.person")
            connection.execute("CHECKPOINT")
        dump = tmp_path / "dump"
        dump.mkdir()
        subprocess.run([binaries() / "pg_dump", f"--file={dump}/all.sql", played.database], check=True)
        (dump / "answers").write_bytes(played.answers())
        (dump / "topics").write_bytes(topics(played.kafka, [MESSAGES, OUTCOMES, PROGRESS, DEAD_LETTERS]))
        assert found_under(dump, every) == {}
        assert found_under(platform.home / "logs", every) == {}
        left = found_under(platform.home, every)
        names = {name: words for name, words in left.items() if "pg_wal" in name}
        assert {name: words for name, words in left.items() if name not in names} == {}
        assert set().union(*names.values()) <= {*NAMES}
        platform_said = platform.console.read_bytes()
        wanted = patterns(every)
        assert not seen_in(platform_said, wanted)
