"""How mails with one-time links go out: by the channel that candidates' mails take, past the list of messages."""

from __future__ import annotations

import logging
import random
import secrets
from datetime import UTC, datetime

from dashboard.access.account_mails import AccountMail, Post
from schemas.settings import Settings

log = logging.getLogger(__name__)

KIND = "access"


def has_a_way(settings: Settings) -> bool:
    """Whether mail leaves this platform at all."""
    return settings.sendgrid_api_key is not None or settings.smtp_url is not None


def make_post(settings: Settings) -> Post:
    """What sends such a mail. The channels are loaded when the first one goes: most processes send none."""

    async def post(letter: AccountMail) -> bool:
        from notifications.channels.port import Mail  # noqa: PLC0415
        from notifications.sending.channel_routes import make_routes  # noqa: PLC0415
        from notifications.sending.route import Chance  # noqa: PLC0415

        chance = Chance(lambda: datetime.now(UTC), lambda: random.uniform(0.8, 1.2))  # noqa: S311 - no secret
        channel = make_routes(settings, chance)[0].channel
        number = secrets.randbits(62)  # no message's: what the provider says of it is nobody's
        mail = Mail(
            number,
            KIND,
            letter.to,
            letter.to_name,
            letter.lang,
            letter.subject,
            letter.html,
            letter.text,
            nonce=secrets.token_urlsafe(16),
        )
        try:
            (outcome,) = await channel.send([mail])
        finally:
            await channel.close()
        if outcome.status != "sent":
            log.error("a mail with a one-time link did not go out: %s", outcome.reason)
        return outcome.status == "sent"

    return post
