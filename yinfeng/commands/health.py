"""`yinfeng health PART`: what a health check calls."""

from __future__ import annotations

from enum import StrEnum

import typer

from schemas.settings import Settings, load_settings
from yinfeng.surroundings import servers


class PartName(StrEnum):
    """What has a health."""

    WEB = "web"
    WORKER = "worker"
    RELAY = "relay"
    POSTGRES = "postgres"
    BROKER = "broker"


def health(part: PartName) -> None:
    """Whether a part gets on: exit code 0, or 1 and a line that says why not."""
    why_not = _fault(part, load_settings())
    typer.echo(f"{part.value} {why_not or 'gets on'}")
    raise typer.Exit(1 if why_not else 0)


def _fault(part: PartName, settings: Settings) -> str | None:
    if part is PartName.POSTGRES:
        return _postgres(servers(settings).database_url or "")
    if part is PartName.BROKER:
        from yinfeng.kafka_admin import answers  # noqa: PLC0415 - a check should not load what it does not ask

        return None if answers(servers(settings).kafka_access, within=3.0) else "does not answer"
    from yinfeng.pulse import pulse_path, standstill  # noqa: PLC0415

    return standstill(pulse_path(settings, part.value))


def _postgres(url: str) -> str | None:
    import psycopg  # noqa: PLC0415

    try:
        with psycopg.connect(url, connect_timeout=3, options="-c statement_timeout=3000") as connection:
            connection.execute("SELECT 1")
    except psycopg.Error as error:
        return f"does not answer: {error}"
    return None
