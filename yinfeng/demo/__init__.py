"""The park's campaign as a story of facts, and the player that posts it."""

from __future__ import annotations

from yinfeng.demo.park import DEFAULT_CANDIDATES, Expected, Story, park_facts, park_story
from yinfeng.demo.play import DEFAULT_SPEED, Played, Posted, play

__all__ = [
    "DEFAULT_CANDIDATES",
    "DEFAULT_SPEED",
    "Expected",
    "Played",
    "Posted",
    "Story",
    "park_facts",
    "park_story",
    "play",
]
