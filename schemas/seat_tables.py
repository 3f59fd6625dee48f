"""The tables of seats: each fair's line, and how full it is."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Sequence, String, text
from sqlmodel import Field, SQLModel

turns = Sequence("seat_turns", metadata=SQLModel.metadata)

IN_LINE = "at IS NOT NULL"
UNTOLD = "told_waiting <> waiting AND asked IS DISTINCT FROM turn"


class SeatRow(SQLModel, table=True):
    """A candidate in a fair's line, by the signup (`at` in microseconds since 1970, `source`, `id`); all three none of
    one who left it by a retraction, and was told of a seat or of the waiting list. Follows from the journeys and the
    fair's capacity alone, but for what was told: `told_waiting` (none: nothing yet) by the message `told_by`.

    `turn` is another one whenever `waiting` changes; `asked`: the turn for which a message was asked for. `line` stands
    for campaign and fair in the indexes, whose entries would be too long with the longest names.
    """

    __tablename__ = "seats"
    __table_args__ = (
        Index("seats_kept", "line", "at", "source", "id", postgresql_where=text(f"{IN_LINE} AND NOT waiting")),
        Index("seats_waiting", "line", "at", "source", "id", postgresql_where=text(f"{IN_LINE} AND waiting")),
        Index("seats_untold", "campaign", "fair", postgresql_where=text(f"{IN_LINE} AND {UNTOLD}")),
    )

    campaign: str = Field(primary_key=True)
    candidate: str = Field(primary_key=True)
    fair: str = Field(primary_key=True)
    line: int = Field(sa_column=Column(BigInteger, nullable=False))
    at: int | None = Field(default=None, sa_type=BigInteger)
    source: str | None = Field(default=None, sa_type=String(collation="C"))
    id: str | None = Field(default=None, sa_type=String(collation="C"))
    waiting: bool
    turn: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=turns.next_value()))
    told_waiting: bool | None = None
    told_by: int | None = Field(default=None, sa_type=BigInteger)
    asked: int | None = Field(default=None, sa_type=BigInteger)


class FairSeatsRow(SQLModel, table=True):
    """How full a fair with a capacity is: the seats that are kept, and how many wait. Who changes a fair's line holds
    its row. A fair without a capacity has none, and nobody waits for it."""

    __tablename__ = "fair_seats"

    campaign: str = Field(primary_key=True)
    fair: str = Field(primary_key=True)
    capacity: int = Field(sa_type=BigInteger)
    kept: int = Field(sa_type=BigInteger)
    waiting: int = Field(sa_type=BigInteger)
