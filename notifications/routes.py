"""Which channel carries which kinds of message, by the settings."""

from __future__ import annotations

from notifications.channels.mailbox import Mailbox
from notifications.channels.port import Channel
from notifications.channels.sendgrid import SendGrid
from notifications.channels.smtp import Smtp
from notifications.sender import Chance, Route
from schemas.mail_server import parse_mail_server
from schemas.messages import AUDIENCES
from schemas.settings import Settings


def make_routes(settings: Settings, chance: Chance) -> list[Route]:
    """To candidates by SendGrid when a key is set, by SMTP when its URL is, else to the local mailbox.

    HR's go to the alert services when some are set, else the same way as candidates' if HR has an address, else to
    the local mailbox. Raises ConfigurationError for an alert service that can't be used.
    """
    outside = _outside(settings, chance)
    to_hr = outside if settings.hr_email else Mailbox()
    if settings.hr_alerts:
        # Apprise takes 16 MB, which only those pay who use it.
        from notifications.channels.apprise import Alerts  # noqa: PLC0415

        to_hr = Alerts(settings.hr_alerts.get_secret_value(), to_hr)
    return [Route(_kinds("candidate"), outside), Route(_kinds("hr"), to_hr)]


def _outside(settings: Settings, chance: Chance) -> Channel:
    if settings.sendgrid_api_key:
        return SendGrid(
            settings.sendgrid_api_key.get_secret_value(),
            host=settings.sendgrid_host,
            timeout=settings.sendgrid_timeout,
            sender=settings.mail_from,
            sender_name=settings.mail_from_name,
        )
    if settings.smtp_url:
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
