"""Who are one person, brought to where the facts stand, and the journeys that this makes others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from schemas.facts import Fact
from schemas.journey import Journey
from storage.access import own_pages
from storage.database import Conn
from storage.journeys import journeys, merging
from storage.journeys.journeys import Stored
from storage.journeys.merging import MergeAround
from storage.ledger import ledger
from storage.ledger.ledger import JourneyKey
from storage.messages import by_link
from storage.vault.process import vault
from streams.domain.fold import SIGNUP, fold, stands
from streams.domain.merging import TYPES, Group, Merge, carried, groups, merges, pair_of

Groups = Mapping[JourneyKey, Group]  # the group of each of its members


def words(facts: Iterable[Fact]) -> list[Fact]:
    """Those of these facts that say who is one person."""
    return [fact for fact in facts if fact.type in TYPES]


def named(said: Iterable[Fact]) -> set[JourneyKey]:
    """Of whom these words speak."""
    return {(fact.campaign, candidate) for fact in said for candidate in pair_of(fact)}


async def regroup(conn: Conn, stored: dict[JourneyKey, Stored], said: Sequence[Fact]) -> Groups:
    """Load whoever is or was one person with those who are `stored`, and take in what is `said` of that now: words that
    came or were taken back, of whom all are stored (then the campaigns' exclusive locks are needed). Returns the groups
    of all whose journeys are to be folded anew: who is alone again is a group of one."""
    await _complete(conn, stored)
    touched = {key for key, row in stored.items() if row.journey.members or row.journey.merged_into}
    if not said:
        return _as_stored(stored, touched)
    await _take_in(conn, said)
    known = await standing(conn, touched | named(said))
    beyond = sorted(known.keys() - stored.keys())
    others = await journeys.load(conn, beyond) if beyond else {}
    # Who hangs together with them by a word that had no effect, as a person would have had too many ids, may be one
    # person with others now.
    changed = [key for key in known if key in stored or not _is_as_stored(key, others[key].journey, known[key])]
    kept = {(key[0], member) for key in changed for member in known[key].members}
    stored |= {key: others[key] for key in kept & others.keys()}
    return {key: group for key, group in known.items() if key in kept}


async def standing(conn: Conn, keys: Collection[JourneyKey]) -> Groups:
    """The groups of these candidates, and of all who hang together with them, by what stands of pairs."""
    pairs: dict[str, list[Merge]] = {}
    for row in await merging.around(conn, keys):
        pairs.setdefault(row[0], []).append(merge_of(row))
    by_campaign: dict[str, list[str]] = {}
    for campaign, candidate in sorted(keys):
        by_campaign.setdefault(campaign, []).append(candidate)
    return {
        (campaign, candidate): group
        for campaign, candidates in by_campaign.items()
        for candidate, group in groups(candidates, pairs.get(campaign, [])).items()
    }


def merge_of(row: MergeAround) -> Merge:
    """A stored word on a pair."""
    _, one, other, into, at, source, id, holds = row
    return Merge((one, other), (at or 0, source or "", id or ""), into or one, holds)


def parted(stored: Mapping[JourneyKey, Stored], known: Groups) -> list[JourneyKey]:
    """Who is one person no more with all of those with whom they are so as `stored`."""
    return sorted(
        (campaign, member)
        for (campaign, head), row in stored.items()
        if row.journey.members and not row.journey.members.keys() <= set(known[campaign, head].members)
        for member in row.journey.members
    )


async def end_links(
    conn: Conn, apart: Collection[JourneyKey], known: Groups, facts: Mapping[JourneyKey, list[Fact]]
) -> None:
    """End the links that may be in another's hands of those who are one person no more: all to their own pages, and
    those of mails that went to an address which nobody has said of them. `facts`: those of each that stand."""
    if not apart:
        return
    await own_pages.end(conn, apart)
    signups = {key: [each for each in of_group(known, key, facts) if each.type == SIGNUP] for key in apart}
    unique = {each.identity: each for found in signups.values() for each in found}
    said = {each.identity: each.data.get("email") for each in await vault().open(conn, [*unique.values()], hidden=True)}
    emails = {key: {email for each in found if (email := said[each.identity])} for key, found in signups.items()}
    await by_link.end_astray(conn, emails)


def fold_groups(known: Groups, facts: Mapping[JourneyKey, list[Fact]]) -> dict[JourneyKey, Journey]:
    """What each member of these groups carries; `facts`: those of each that stand."""
    found: dict[JourneyKey, Journey] = {}
    for campaign, group in {(campaign, group) for (campaign, _), group in known.items()}:
        own = {member: fold(facts[campaign, member]) for member in group.members}
        found |= {(campaign, member): journey for member, journey in carried(group, own).items()}
    return found


def of_group(known: Groups, key: JourneyKey, facts: Mapping[JourneyKey, list[Fact]]) -> list[Fact]:
    """What was said of a person, under whichever of their ids."""
    if key not in known:
        return facts.get(key, [])
    return [fact for member in known[key].members for fact in facts.get((key[0], member), ())]


def together(known: Groups, keys: Iterable[JourneyKey]) -> list[JourneyKey]:
    """These candidates, and those who are the same person."""
    wanted = list(keys)
    return sorted({*wanted, *((key[0], member) for key in wanted if key in known for member in known[key].members)})


async def _complete(conn: Conn, stored: dict[JourneyKey, Stored]) -> None:
    heads = {(key[0], row.journey.merged_into) for key, row in stored.items() if row.journey.merged_into}
    await _load(conn, stored, {(campaign, head) for campaign, head in heads if head})
    await _load(conn, stored, {(key[0], each) for key, row in stored.items() for each in row.journey.members})


async def _load(conn: Conn, stored: dict[JourneyKey, Stored], keys: set[JourneyKey]) -> None:
    if missing := keys - stored.keys():
        stored |= await journeys.load(conn, sorted(missing))


def _is_as_stored(key: JourneyKey, journey: Journey, group: Group) -> bool:
    if key[1] != group.head:
        return journey.merged_into == group.head
    return journey.merged_into is None and tuple(sorted(journey.members) or [key[1]]) == group.members


def _as_stored(stored: Mapping[JourneyKey, Stored], touched: Collection[JourneyKey]) -> Groups:
    found: dict[JourneyKey, Group] = {}
    for campaign, candidate in touched:
        if members := stored[campaign, candidate].journey.members:
            group = Group(candidate, tuple(sorted(members)))
            found |= {(campaign, member): group for member in group.members}
    return found


async def _take_in(conn: Conn, said: Sequence[Fact]) -> None:
    """Store the latest word on each pair of which something was said or taken back."""
    facts = await merging.said(conn, named(said), TYPES)
    retracted = await ledger.retracted(conn, facts)
    pairs = {(fact.campaign, *pair_of(fact)) for fact in said}
    latest = {
        (campaign, *pair): merge
        for campaign in {campaign for campaign, _, _ in pairs}
        for pair, merge in merges(f for f in facts if f.campaign == campaign and stands(f, retracted)).items()
    }
    await merging.put(conn, [_row(pair, latest.get(pair)) for pair in pairs])


def _row(pair: tuple[str, str, str], merge: Merge | None) -> MergeAround:
    return (*pair, merge.into, *merge.at, merge.stands) if merge else (*pair, None, None, None, None, False)
