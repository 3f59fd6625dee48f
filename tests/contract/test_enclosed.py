"""Files, images and headers that go with a mail, as each provider is handed them."""

from __future__ import annotations

import base64
from email.message import EmailMessage
from pathlib import Path

import pytest
from msgspec.structs import replace

from notifications.channels.port import Mail
from schemas.messages import Attachment
from tests.contract.test_channels import mail, sendgrid
from tests.contract.test_smtp import channel_to
from tests.stand_ins.sendgrid import SendGridStandIn
from tests.stand_ins.smtp import smtp_stand_in

CALENDAR = Attachment("fair.ics", "application/ics", "SUMMARY:双选会\r\n".encode())
IMAGE = Attachment("ticket.png", "image/png", b"\x89PNG\r\n", "ticket@yinfeng")
WAY_OUT = "https://park.example/unsubscribe/1.abc"
ONE_CLICK = {"List-Unsubscribe": f"<{WAY_OUT}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def full(id: int = 1) -> Mail:
    return replace(mail(id), attachments=(IMAGE, CALENDAR), unsubscribe=WAY_OUT)


async def test_sendgrid_is_handed_files_images_and_the_way_out(sendgrid_server: SendGridStandIn):
    channel = sendgrid(sendgrid_server.url)
    await channel.send([full()])
    await channel.close()
    [(part, request)] = sendgrid_server.accepted
    assert part["headers"] == ONE_CLICK
    image, file = request["attachments"]
    assert (image["disposition"], image["content_id"]) == ("inline", "ticket@yinfeng")
    assert (file["disposition"], file["filename"], "content_id" in file) == ("attachment", "fair.ics", False)
    assert base64.b64decode(file["content"]) == CALENDAR.data
    assert sendgrid_server.refused == []


async def test_in_bulk_each_has_its_own_way_out(sendgrid_server: SendGridStandIn):
    channel = sendgrid(sendgrid_server.url, most=1000)
    mails = [replace(mail(n), unsubscribe=f"{WAY_OUT}{n}", attachments=(CALENDAR,)) for n in range(1, 4)]
    outcomes = await channel.send(mails)
    await channel.close()
    assert [each.status for each in outcomes] == ["sent"] * 3
    assert len({id(request) for _, request in sendgrid_server.accepted}) == 1
    ways = {
        part["custom_args"]["yinfeng_message"]: part["headers"]["List-Unsubscribe"]
        for part, _ in sendgrid_server.accepted
    }
    assert ways == {str(n): f"<{WAY_OUT}{n}>" for n in range(1, 4)}


async def test_smtp_is_handed_files_images_and_the_way_out(tmp_path: Path):
    with smtp_stand_in(tmp_path) as mail_server:
        channel = channel_to(mail_server)
        await channel.send([full()])
        await channel.close()
        [(_, message)] = mail_server.accepted
    assert {name: message[name] for name in ONE_CLICK} == ONE_CLICK
    assert message.get_content_type() == "multipart/mixed"
    [file] = message.iter_attachments()
    assert (file.get_filename(), file.get_content_type(), file.get_content()) == (
        "fair.ics",
        "application/ics",
        CALENDAR.data,
    )
    [image] = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert (image["Content-ID"], image.get_content()) == ("<ticket@yinfeng>", IMAGE.data)
    body = message.get_body(("html",))
    assert isinstance(body, EmailMessage)
    assert "您好" in body.get_content()


@pytest.mark.parametrize("channel", ["sendgrid", "smtp"])
async def test_without_a_way_out_there_is_no_such_header(
    channel: str, sendgrid_server: SendGridStandIn, tmp_path: Path
):
    with smtp_stand_in(tmp_path) as mail_server:
        made = sendgrid(sendgrid_server.url) if channel == "sendgrid" else channel_to(mail_server)
        await made.send([mail()])
        await made.close()
        assert all("headers" not in part for part, _ in sendgrid_server.accepted)
        assert all("List-Unsubscribe" not in message for _, message in mail_server.accepted)
