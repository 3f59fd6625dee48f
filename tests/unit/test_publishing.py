"""What is told beside the work is put on topics; a producer that is not there is a broker that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import BrokerUnavailable
from schemas.settings import Settings
from streams.app import make_app, publisher


async def test_a_producer_that_is_not_started_is_no_broker(tmp_path: Path) -> None:
    """A worker that ends has ended its producer before what uses it: such a word is told later, by another."""
    settings = Settings(home=tmp_path, kafka="127.0.0.1:9", database_url="postgresql://127.0.0.1:9/none")
    publish = publisher(make_app(settings))
    with pytest.raises(BrokerUnavailable, match="Producer service not yet started"):
        await publish("yinfeng.messages", "1", b"{}", {})
