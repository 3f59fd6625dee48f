"""Kinds of columns that many tables have."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import DateTime, Numeric, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field


def moment(*, nullable: bool = False, now: bool = False) -> Any:
    default = {"server_default": text("now()")} if now else {}
    return Field(default=None, sa_type=DateTime(timezone=True), nullable=nullable, sa_column_kwargs=default)


def json(*, nullable: bool = False) -> Any:
    return Field(default=None, sa_type=JSONB, nullable=nullable)


def number() -> Any:
    return Field(default=Decimal(0), sa_type=Numeric, nullable=False, sa_column_kwargs={"server_default": text("0")})
