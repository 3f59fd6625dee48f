"""The hub: what a page is told, whatever it missed and however slow it is."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.live import SLICE, Hub
from dashboard.stream import as_json
from dashboard.telling import Subscription, Told
from schemas.errors import DatabaseUnavailable

Row = dict[str, Any]


def row(target: str, revision: int, progress: int = 0, campaign: str = "c") -> Row:
    return {
        "campaign": campaign,
        "target": target,
        "title": target,
        "measure": "hired",
        "goal": 100,
        "progress": progress,
        "due_on": date(2026, 12, 31),
        "where": {},
        "counting": False,
        "starts_on": date(2026, 1, 1),
        "revision": revision,
    }


async def never() -> list[Row]:
    raise AssertionError("these tests tell by hand")


async def taken(subscription: Subscription) -> list[Told]:
    """What waits for a client now, of what everybody is told."""
    return [each for each in await all_taken(subscription) if each.wire(as_json)]


async def all_taken(subscription: Subscription) -> list[Told]:
    """What waits for a page now."""
    taking = asyncio.ensure_future(subscription.take())
    await asyncio.sleep(0)
    if taking.done():
        return taking.result()
    taking.cancel()
    return []


class Wire:
    """A line that takes what is written to it, while it is free."""

    def __init__(self) -> None:
        self.free, self.chunks = True, list[bytes]()

    def is_free(self) -> bool:
        return self.free

    def write(self, chunk: bytes) -> None:
        self.chunks.append(chunk)


def body_of(chunk: bytes) -> bytes:
    """What a chunk brings; its length is the one that it names."""
    size, _, rest = chunk.partition(b"\r\n")
    assert rest.endswith(b"\r\n")
    assert len(rest) == int(size, 16) + 2
    return rest[:-2]


async def resting(subscription: Subscription) -> asyncio.Task[list[Told]]:
    """A client's own task, which has taken all and waits for more."""
    taking = asyncio.create_task(subscription.take())
    await asyncio.sleep(0)
    return taking


def names(told: list[Told]) -> list[tuple[str, str]]:
    return [(each.event, each.row["target"]) for each in told]


def readable(target: Row) -> bool:
    return bool(target["where"].get("employer", ["a"]) == ["a"])


async def test_who_may_not_read_a_target_is_told_nothing_of_it_but_that_it_is_gone():
    hub = Hub(never)
    hub.tell([row("t", 1) | {"where": {"employer": ["a"]}}, row("other", 2) | {"where": {"employer": ["b"]}}])
    own, all_of_it = hub.subscribe(reads=readable), hub.subscribe()
    assert names(await taken(own)) == [("progress", "t")]
    await taken(all_of_it)
    hub.tell([row("t", 3) | {"where": {"employer": ["b"]}}])
    assert names(await taken(own)) == [("withdrawn", "t")]
    assert sorted(names(await taken(all_of_it))) == [("progress", "t"), ("withdrawn", "other")]
    await all_taken(own)
    hub.tell([row("t", 4, 100) | {"where": {"employer": ["b"]}}])
    assert await all_taken(own) == []
    hub.tell([row("t", 4, 100) | {"where": {"employer": ["b"]}, "goal": 7}])
    assert await all_taken(own) == []  # not even that something is to be drawn anew
    assert names(await taken(hub.subscribe(last=2, reads=readable))) == [("withdrawn", "t")]
    assert ("withdrawn", "t") not in names(await taken(hub.subscribe(last=2)))
    hub.tell([row("t", 5)])
    assert names(await taken(own)) == [("progress", "t")]


async def test_a_new_client_gets_all_that_stands_in_order_of_revision():
    hub = Hub(never)
    hub.tell([row("b", 2), row("a", 1)])
    assert [each.revision for each in await taken(hub.subscribe())] == [1, 2]
    first = (await taken(hub.subscribe()))[0]
    event, data, *_ = first.wire(as_json).decode().splitlines()[1:]
    assert event == "event: progress"
    assert json.loads(data.removeprefix("data: ")) == {
        "campaign": "c",
        "target": "a",
        "title": "a",
        "measure": "hired",
        "goal": 100,
        "progress": 0,
        "due_on": "2026-12-31",
        "where": {},
    }


async def test_a_client_of_before_the_first_look_is_told_when_it_comes():
    hub = Hub(never)
    subscription = hub.subscribe()
    assert await taken(subscription) == []
    hub.tell([row("a", 1)])
    assert names(await taken(subscription)) == [("progress", "a")]


async def test_a_client_that_comes_back_before_the_first_look_gets_what_changed_since():
    hub = Hub(never)
    subscription = hub.subscribe(last=2)
    hub.tell([row("a", 1), row("b", 3)])
    assert names(await taken(subscription)) == [("progress", "b")]


async def test_only_what_changed_is_told_and_only_of_the_campaign_asked_for():
    hub = Hub(never)
    hub.tell([row("a", 1), row("b", 2, campaign="other")])
    all_of_it, own = hub.subscribe(), hub.subscribe("c")
    await taken(all_of_it), await taken(own)
    hub.tell([row("a", 1), row("b", 3, 5, campaign="other")])
    assert names(await taken(all_of_it)) == [("progress", "b")]
    assert await taken(own) == []


async def test_a_slow_client_holds_each_target_once():
    hub = Hub(never)
    subscription = hub.subscribe()
    for revision in range(1, 1001):
        hub.tell([row("a", revision, revision), row("b", 0)])
    waiting = await taken(subscription)
    assert [(each.revision, each.row["progress"]) for each in waiting] == [(0, 0), (1000, 1000)]


async def test_one_that_comes_back_gets_what_changed_since():
    hub = Hub(never)
    hub.tell([row("a", 1), row("b", 2)])
    hub.tell([row("a", 1), row("b", 3)])
    assert names(await taken(hub.subscribe(last=2))) == [("progress", "b")]
    assert await taken(hub.subscribe(last=3)) == []


async def test_what_was_committed_late_is_not_missed_by_who_saw_a_higher_revision():
    hub = Hub(never)
    hub.tell([row("c", 1), row("a", 2), row("b", 3)])
    hub.tell([row("c", 1), row("a", 2), row("b", 5)])
    hub.tell([row("c", 1), row("a", 4), row("b", 5)])
    assert [each.revision for each in await taken(hub.subscribe(last=5))] == [4]
    # Of two with the same order the late one goes first: who has heard the other's id has heard both.
    hub.tell([row("c", 6), row("a", 4), row("b", 5)])
    assert [each.revision for each in await taken(hub.subscribe())] == [5, 4, 6]


async def test_one_that_knows_more_than_there_is_comes_from_elsewhere_and_gets_all():
    hub = Hub(never)
    hub.tell([row("a", 1)])
    assert names(await taken(hub.subscribe(last=99))) == [("progress", "a")]


async def test_a_withdrawn_target_is_told_to_who_is_here_and_who_comes_back():
    hub = Hub(never)
    hub.tell([row("a", 1), row("b", 2)])
    subscription = hub.subscribe()
    await taken(subscription)
    hub.tell([row("b", 2)])
    assert names(await taken(subscription)) == [("withdrawn", "a")]
    assert names(await taken(hub.subscribe(last=2))) == [("withdrawn", "a")]
    assert names(await taken(hub.subscribe())) == [("progress", "b")]


async def test_one_that_left_is_told_no_more():
    hub = Hub(never)
    subscription = hub.subscribe()
    hub.unsubscribe(subscription)
    hub.tell([row("a", 1)])
    assert await taken(subscription) == []


async def test_it_looks_when_rung_and_looks_again_after_an_outage():
    answers: list[Any] = [[row("a", 1)], DatabaseUnavailable("away"), [row("a", 2, 7)]]
    looks = asyncio.Queue[None]()

    async def read() -> list[Row]:
        looks.put_nowait(None)
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    hub = Hub(read, poll=60)
    running = asyncio.create_task(hub.run())
    for _ in range(3):
        await asyncio.wait_for(looks.get(), 60)
        hub.ring()
    await asyncio.wait_for(looks.get(), 60)
    assert [each.row["progress"] for each in await taken(hub.subscribe())] == [7]
    running.cancel()


async def test_a_page_is_told_what_came_after_its_mark_and_when_its_shape_changed():
    hub = Hub(never, name="h")
    hub.tell([row("a", 1), row("b", 2)])
    mark = hub.mark
    assert await all_taken(hub.follow("c", mark)) == []
    hub.tell([row("a", 3, 7), row("b", 2)])
    assert [(each.event, each.row["progress"]) for each in await all_taken(hub.follow("c", mark))] == [("progress", 7)]
    assert await all_taken(hub.follow("elsewhere", mark)) == []
    hub.tell([row("a", 3, 7), row("b", 2), row("new", 4)])
    assert [each.event for each in await all_taken(hub.follow("c", hub.mark_of(3)))] == ["progress", "redraw"]
    hub.tell([row("a", 3, 7), row("new", 4)])
    assert [each.event for each in await all_taken(hub.follow("c", hub.mark_of(4)))] == ["withdrawn", "redraw"]
    assert await all_taken(hub.follow("elsewhere", hub.mark_of(4))) == []


@pytest.mark.parametrize("mark", ["", "h:", "h:x", "h:99", "other:1", "h:-1"])
async def test_a_page_with_a_mark_of_another_hub_is_drawn_anew(mark: str):
    hub = Hub(never, name="h")
    hub.tell([row("a", 1)])
    assert [each.event for each in await all_taken(hub.follow(None, mark, among={"c"}))] == ["redraw"]


async def test_a_slow_page_misses_no_change_of_shape_and_no_milestone():
    hub = Hub(never, name="h")
    hub.tell([row("a", 1)])
    page = hub.follow(None, hub.mark)
    hub.tell([row("a", 1), row("b", 2)])
    hub.tell([row("a", 3, 51), row("b", 2)])
    hub.tell([row("a", 4, 52), row("b", 5, 1)])
    told = await all_taken(page)
    assert {each.event for each in told} == {"redraw", "reached", "progress"}
    assert [each.row["percent"] for each in told if each.event == "reached"] == [50]
    assert [each.row["progress"] for each in told if each.event == "progress"] == [52, 1]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"progress": 24}, {"progress": 25}, [25]),
        ({"progress": 0}, {"progress": 90}, [90]),
        ({"progress": 50}, {"progress": 49}, []),
        ({"progress": 0, "counting": True}, {"progress": 60, "counting": True}, []),
        ({"progress": 40}, {"progress": 40, "goal": 50}, []),
    ],
)
async def test_a_milestone_is_told_when_it_is_reached(before: Row, after: Row, said: list[int]):
    hub = Hub(never)
    hub.tell([row("a", 1) | before])
    page = hub.follow(None, hub.mark)
    hub.tell([row("a", 2) | after])
    assert [each.row["percent"] for each in await all_taken(page) if each.event == "reached"] == said


async def test_an_event_is_written_once_for_all_who_listen():
    written = list[Told]()

    def form(told: Told) -> bytes:
        written.append(told)
        return b"x"

    hub = Hub(never)
    hub.tell([row("a", 1)])
    listeners = [hub.follow(None, hub.mark) for _ in range(100)]
    hub.tell([row("a", 2, 1)])
    assert {each.wire(form) for listener in listeners for each in await all_taken(listener)} == {b"x"}
    assert len(written) == 1


async def test_lines_that_are_free_are_all_written_the_same_bytes_and_nobody_is_woken():
    hub = Hub(never)
    hub.tell([row("a", 1), row("b", 2)])
    wires, tasks = [Wire() for _ in range(100)], []
    for wire in wires:
        page = hub.follow(None, hub.mark)
        page.use(wire, as_json)
        tasks.append(await resting(page))
    hub.tell([row("a", 3, 5), row("b", 4, 6)])
    await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)
    first = wires[0].chunks[0]
    assert all(len(wire.chunks) == 1 and wire.chunks[0] is first for wire in wires)
    assert [json.loads(line[6:])["progress"] for line in body_of(first).splitlines() if line[:5] == b"data:"] == [5, 6]
    for task in tasks:
        task.cancel()


async def test_one_whose_line_is_not_free_finds_the_newest_later_and_others_are_told_at_once():
    hub = Hub(never)
    hub.tell([row("a", 1), row("b", 2)])
    slow, quick = hub.follow(None, hub.mark), hub.follow(None, hub.mark)
    wires = {slow: Wire(), quick: Wire()}
    wires[slow].free = False
    tasks = dict[Subscription, asyncio.Task[list[Told]]]()
    for page, wire in wires.items():
        page.use(wire, as_json)
        tasks[page] = await resting(page)
    for number in range(3, 20):
        hub.tell([row("a", number, number), row("b", 2)])
    assert [each.row["progress"] for each in await tasks[slow]] == [19]
    wires[slow].free = True
    hub.tell([row("a", 20, 20), row("b", 2)])
    assert (len(wires[slow].chunks), len(wires[quick].chunks)) == (0, 18)
    assert [each.row["progress"] for each in await taken(slow)] == [20]
    tasks[quick].cancel()


async def test_what_a_line_can_not_be_told_in_its_form_is_not_written():
    hub, wire = Hub(never), Wire()
    hub.tell([row("a", 1)])
    page = hub.follow(None, hub.mark)
    page.use(wire, lambda told: b"")
    task = await resting(page)
    hub.tell([row("a", 2, 1)])
    assert wire.chunks == []
    task.cancel()


async def test_who_comes_or_goes_while_others_are_told_misses_nothing_and_hears_nothing_twice():
    hub = Hub(never)
    hub.tell([row("a", 1)])
    pages = [hub.follow(None, hub.mark) for _ in range(SLICE + 1)]
    pauses = hub.telling([row("a", 2, 7)])
    next(pauses)
    late = hub.follow(None, hub.mark_of(1))
    for page in pages:
        hub.unsubscribe(page)
    assert list(pauses) == [None]
    assert [each.row["progress"] for each in await taken(late)] == [7]
    hub.tell([row("a", 2, 7)])
    assert await taken(late) == []


async def test_a_day_that_turns_is_told():
    hub = Hub(never)
    hub.tell([row("a", 1) | {"today": date(2026, 5, 1)}])
    page = hub.follow(None, hub.mark)
    hub.tell([row("a", 1) | {"today": date(2026, 5, 2)}])
    assert [each.event for each in await all_taken(page)] == ["progress"]


# What may befall: a target changes with the revision given (committed late where a higher one was seen), or goes;
# a client's line is full, or free again; its own task takes its turn; a client takes some of what waits and then loses
# the rest with its connection.
_changes = st.tuples(st.just("change"), st.sampled_from("abc"), st.integers(0, 3))
_gone = st.tuples(st.just("gone"), st.sampled_from("abc"), st.just(0))
_broken = st.tuples(st.just("broken"), st.just(""), st.integers(0, 3))
_line = st.tuples(st.sampled_from(["full", "free", "turn"]), st.just(""), st.just(0))


@settings(max_examples=300)
@given(st.lists(st.one_of(_changes, _changes, _gone, _broken, _line), max_size=40))
async def test_whatever_is_lost_on_the_way_a_page_ends_with_what_stands(happenings: list[tuple[str, str, int]]):
    hub, stands, page, counter = Hub(never), dict[str, Row](), _Page(), 10
    hub.tell([])
    page.come(hub)
    for number, (kind, target, detail) in enumerate(happenings):
        if kind == "change":
            counter += 4
            stands[target] = row(target, counter - detail * 3, number)
            hub.tell(list(stands.values()))
        elif kind == "gone":
            stands.pop(target, None)
            hub.tell(list(stands.values()))
        elif kind == "broken":
            await page.lose(detail)
            page.come(hub)
        elif kind == "turn":
            await page.turn()
        else:
            page.wire.free = kind == "free"
    page.wire.free = True
    await page.turn()
    assert page.shown == {name: each["progress"] for name, each in stands.items()}
    page.leave()


class _Page:
    """What a page shows, and the last id it heard; it is told as `EventStream` tells it."""

    def __init__(self) -> None:
        self.shown: dict[str, int] = {}
        self.last: int | None = None
        self.wire = Wire()
        self._taking: asyncio.Task[list[Told]] | None = None

    def come(self, hub: Hub) -> None:
        self._subscription, self.wire, self._hub = hub.subscribe(last=self.last), Wire(), hub
        self._subscription.use(self.wire, as_json)

    def leave(self) -> None:
        self._hub.unsubscribe(self._subscription)
        if self._taking:
            self._taking.cancel()
        self._taking = None

    async def lose(self, arrived: int) -> None:
        """Only so many of the events that are on their way arrive."""
        self._read(self._written()[:arrived])
        self.leave()

    async def turn(self) -> None:
        """All that was written arrives; where the line is free, the client's task sends what waits."""
        self._read(self._written())
        if not self.wire.free:
            return
        while True:
            self._taking = self._taking or await resting(self._subscription)
            await asyncio.sleep(0)
            if not self._taking.done():
                return
            self._read(_events(b"".join([each.wire(as_json) for each in self._taking.result()])))
            self._taking = None

    def _written(self) -> list[bytes]:
        chunks, self.wire.chunks = self.wire.chunks, []
        return _events(b"".join(map(body_of, chunks)))

    def _read(self, events: list[bytes]) -> None:
        for event in events:
            fields = dict(line.split(": ", 1) for line in event.decode().splitlines())
            entry = json.loads(fields["data"])
            self.last = int(fields["id"]) if "id" in fields else self.last
            if fields["event"] == "progress":
                self.shown[entry["target"]] = entry["progress"]
            else:
                self.shown.pop(entry["target"], None)


def _events(body: bytes) -> list[bytes]:
    return [event for event in body.split(b"\n\n") if event]
