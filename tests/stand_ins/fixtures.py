"""The stand-ins that several files of tests have, each running for one test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stand_ins.sendgrid import SendGridStandIn, sendgrid_stand_in
from tests.stand_ins.smtp import SmtpStandIn, smtp_stand_in
from tests.stand_ins.webhook import Webhook, webhook


@pytest.fixture
def sendgrid_server() -> Iterator[SendGridStandIn]:
    with sendgrid_stand_in() as stand_in:
        yield stand_in


@pytest.fixture
def smtp_server(tmp_path: Path) -> Iterator[SmtpStandIn]:
    with smtp_stand_in(tmp_path) as stand_in:
        yield stand_in


@pytest.fixture
def webhook_server() -> Iterator[Webhook]:
    with webhook() as stand_in:
        yield stand_in
