"""A sender in a process of its own, so that it can be killed. Settings come from the environment."""

from __future__ import annotations

import asyncio
import os

from notifications.sending.channel_routes import make_routes
from notifications.sending.pacing import Pace
from notifications.sending.rendering import Renderer
from notifications.sending.route import Chance
from notifications.sending.sender import Sender
from notifications.sending.situation import Writer
from schemas.settings import Settings, load_settings
from storage.database import make_pool
from storage.vault.persons import file_vault
from storage.vault.process import open_vault
from tests.integration.office import Clock


async def run(settings: Settings) -> None:
    open_vault(file_vault(settings.master_key))
    writer = Writer(settings.mail_from_name, settings.base_url, settings.hr_email)
    chance = Chance(Clock(), lambda: 1.0)
    async with make_pool(settings.database_url or "", name="driver", size=2) as pool:
        sender = Sender(
            pool,
            make_routes(settings, chance),
            writer,
            Renderer(),
            owner=f"driver:{os.getpid()}",
            chance=chance,
            pace=Pace(settings.mail_rate, settings.mail_domain_rate),
        )
        await sender.run(interval=0.1)


if __name__ == "__main__":
    asyncio.run(run(load_settings()))
