"""Which channel carries which kinds of message, by the settings. What a channel needs is loaded for who uses it."""
# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from notifications.channels.mailbox import Mailbox
from notifications.channels.port import Channel
from notifications.sending.route import Chance, Route
from schemas.channels import MailWay
from schemas.kinds import AUDIENCES, IN_BULK
from schemas.mail_server import parse_mail_server
from schemas.messages import CHANNEL_REFUSED, TEMPLATE_TEST
from schemas.settings import Settings

LANES: Final = 4
MOST_BEGUN: Final = 2  # of these lanes: the others claim and write what goes next
CONNECTIONS: Final = 2 * LANES + 1  # to the database, of one sender: its busiest routes wait for none


def make_routes(settings: Settings, chance: Chance) -> list[Route]:
    """To candidates and employers by the channel that their campaign has chosen; usually SendGrid when a key is set,
    SMTP when its URL is, else the local mailbox. The usual one comes first.

    HR's go to the alert services when some are set, else the same way as candidates' if HR has an address, else to
    the local mailbox; tests of templates the way of candidates' mail. Raises ConfigurationError for an alert service
    that can't be used.

    That mail is refused goes past the mail: to the alert services or the mailbox.
    """
    usual = settings.channels.usual
    ways = sorted(settings.channels.there, key=lambda way: way != usual)
    outside = {way: _channel(way, settings, chance) for way in ways}
    in_bulk = {way: _channel(way, settings, chance, in_bulk=True) for way in ways}
    # Of all kinds but these a request has one mail: where its answer is lost, one person's offer is in doubt.
    weighty = tuple(kind for kind in (*_kinds("candidate"), *_kinds("employer")) if kind not in IN_BULK)
    kinds = {(*weighty, TEMPLATE_TEST): outside, tuple(sorted(IN_BULK)): in_bulk}
    routes = [
        Route(some, channels[way], LANES, way, way == usual, MOST_BEGUN)
        for some, channels in kinds.items()
        for way in ways
    ]
    return routes + _to_hr(settings, outside)


def _to_hr(settings: Settings, outside: Mapping[MailWay, Channel]) -> list[Route]:
    hr = tuple(kind for kind in _kinds("hr") if kind not in (TEMPLATE_TEST, CHANNEL_REFUSED))
    if settings.hr_alerts:
        from notifications.channels.apprise import Alerts

        urls = settings.hr_alerts.get_secret_value()
        else_to = outside[settings.channels.usual] if settings.hr_email else Mailbox()
        return [Route(hr, Alerts(urls, else_to)), Route((CHANNEL_REFUSED,), Alerts(urls, Mailbox()))]
    by_mail = [Route(hr, channel, 1, way, way == settings.channels.usual) for way, channel in outside.items()]
    return [*(by_mail if settings.hr_email else [Route(hr, Mailbox())]), Route((CHANNEL_REFUSED,), Mailbox())]


def _channel(way: MailWay, settings: Settings, chance: Chance, *, in_bulk: bool = False) -> Channel:
    if way == "sendgrid" and settings.sendgrid_api_key:
        from notifications.channels.sendgrid import SendGrid
        from notifications.channels.sendgrid_requests import MOST

        return SendGrid(
            settings.sendgrid_api_key.get_secret_value(),
            host=settings.sendgrid_host,
            timeout=settings.sendgrid_timeout,
            sender=settings.mail_from,
            sender_name=settings.mail_from_name,
            # A sender that is killed leaves no more in doubt than the largest request has.
            most=MOST // MOST_BEGUN if in_bulk else 1,
        )
    if way == "smtp" and settings.smtp_url:
        from notifications.channels.smtp import Smtp

        return Smtp(
            parse_mail_server(settings.smtp_url.get_secret_value()),
            timeout=settings.smtp_timeout,
            sender=settings.mail_from,
            sender_name=settings.mail_from_name,
            clock=chance.clock,
            jitter=chance.jitter,
        )
    return Mailbox()


def _kinds(audience: str) -> tuple[str, ...]:
    return tuple(kind for kind, reader in AUDIENCES.items() if reader == audience)
