"""What the routers of the web app have in common."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg_pool import AsyncConnectionPool

from dashboard.drawing import Clock
from dashboard.live import Hub
from dashboard.taking_away import Tables
from dashboard.turnstile import Turnstile
from notifications.sending.situation import Writer
from schemas.access import Authenticate
from schemas.settings import Settings
from storage.database import Conn
from yinfeng.web.pages import Pages


@dataclass(frozen=True, slots=True)
class Shared:
    """`authenticate` gives the caller of a request; `page` draws; `hub` tells what changes to those whom `turnstile`
    lets follow it; `tables`: who takes some away; `writer`: in whose name mails are written."""

    settings: Settings
    pool: AsyncConnectionPool[Conn]
    authenticate: Authenticate
    page: Pages
    hub: Hub
    turnstile: Turnstile
    tables: Tables
    writer: Writer
    clock: Clock
