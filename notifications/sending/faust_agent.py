"""What wakes the sender beside a worker: `yinfeng.messages`, on which all workers say what they asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import faust

from schemas.topics import MESSAGES


def attach(app: faust.App, *, wake: Callable[[], None]) -> None:
    """Give the app the agent that wakes the sender."""

    async def hear(stream: faust.StreamT[Any]) -> None:
        async for _ in stream:
            wake()

    topic = app.topic(MESSAGES, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    app.agent(topic, name="messages")(hear)
