"""Who calls, and what they may. Roles: `organizer` (all), `employer` (its own candidates), `viewer` (targets only)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from schemas.errors import Forbidden

Role = Literal["organizer", "employer", "viewer"]
COOKIE: Final = "yinfeng_key"  # of a browser that logged in; it holds the key
ROLES: Final[tuple[Role, ...]] = ("organizer", "employer", "viewer")


# What the platform itself speaks under, for persons who hold a link or who look at a page: nobody else may.
RESERVED: Final = ("/offers", "/tickets", "/desk", "/me", "/yinfeng")
_RESERVED_FOLDERS: Final = tuple(f"{own}/" for own in RESERVED)


def is_reserved(source: str) -> bool:
    """Whether only the platform itself speaks under this source."""
    return f"{source.rstrip('/')}/".startswith(_RESERVED_FOLDERS)


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of a key: the key's public id and name, its role, and the employer it stands for, if any."""

    key: str
    name: str
    role: Role
    employer: str | None = None

    def require(self, *roles: Role) -> None:
        """Raises Forbidden unless the caller has one of these roles."""
        if self.role not in roles:
            wanted = " or ".join(roles)
            raise Forbidden(f"this needs the role {wanted}; the key {self.name!r} is of the role {self.role}")


# Gives the caller of a request (of whichever web framework), or raises Unauthorized.
Authenticate = Callable[[Any], Awaitable[Caller]]
