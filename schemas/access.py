"""Who calls, and what they may. Roles: `organizer` (all), `employer` (its own candidates), `viewer` (targets only)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

from schemas.errors import Forbidden, NotFound
from schemas.fields import WITHOUT_EMPLOYER

OF_NO_EMPLOYER: Final = (*WITHOUT_EMPLOYER, "fairs_held")  # measures that tell of nothing that employers do
Role = Literal["organizer", "employer", "viewer"]
Holder = Literal["key", "account"]
ROLES: Final[tuple[Role, ...]] = ("organizer", "employer", "viewer")


# What the platform itself speaks under, for persons who hold a link or who look at a page: nobody else may.
RESERVED: Final = ("/offers", "/tickets", "/desk", "/me", "/yinfeng")
_RESERVED_FOLDERS: Final = tuple(f"{own}/" for own in RESERVED)
OWN: Final = "/me"  # under which people speak of themselves, by a public page or by a link of their own
CONSOLE: Final = "/yinfeng/console"  # under which people post by the forms of the pages


@lru_cache(maxsize=1024)
def is_reserved(source: str) -> bool:
    """Whether only the platform itself speaks under this source."""
    return f"{source.rstrip('/')}/".startswith(_RESERVED_FOLDERS)


@dataclass(frozen=True, slots=True)
class Sight:
    """Of which targets the number is read: all, or those that an employer reads."""

    employer: str | None = None

    def __call__(self, target: Mapping[str, Any]) -> bool:
        """Whether that of a target is (by its `measure` and `where`): by an employer of one which counts itself alone,
        or nothing that employers do. Of any other it could take its own part from the sum, and where there are two
        employers would have the other's."""
        if self.employer is None:
            return True
        named = target["where"].get("employer")
        return target["measure"] in OF_NO_EMPLOYER if named is None else set(named) == {self.employer}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, a machine by its key or a person by an account: the public id of that key or account and its name,
    the role, and the employer it stands for, if any. `campaigns`: those that it may enter; None means all of them."""

    key: str
    name: str
    role: Role
    employer: str | None = None
    holder: Holder = "key"
    campaigns: frozenset[str] | None = None

    @property
    def poster(self) -> str:
        """Who posted a fact, as the ledger has it: `key:…` or `account:…`."""
        return f"{self.holder}:{self.key}"

    def require(self, *roles: Role) -> None:
        """Raises Forbidden unless the caller has one of these roles."""
        if self.role not in roles:
            wanted = " or ".join(roles)
            raise Forbidden(f"this needs the role {wanted}; the {self.holder} {self.name!r} is of the role {self.role}")

    def require_all_campaigns(self) -> None:
        """Raises Forbidden when the caller may enter some campaigns alone."""
        if self.campaigns is not None:
            raise Forbidden(f"the {self.holder} {self.name!r} may enter some campaigns only; this is about all of them")

    def enters(self, campaign: str) -> bool:
        """Whether the caller may see and speak of this campaign at all."""
        return self.campaigns is None or campaign in self.campaigns

    def reads_target(self, target: Mapping[str, Any]) -> bool:
        """Whether the caller may read the number of a target (by its `measure` and `where`)."""
        return self.sight(target)

    @property
    def sight(self) -> Sight:
        """Which targets' numbers the caller reads, equal for all who read the same."""
        return Sight(self.employer or "" if self.role == "employer" else None)

    def has_part_in(self, target: Mapping[str, Any]) -> bool:
        """Whether the caller may know that there is such a target, and its own part of it: an employer of one that
        names no employer, or itself alone."""
        named = target["where"].get("employer")
        return self.role != "employer" or named is None or set(named) == {self.employer}

    def require_campaign(self, campaign: str) -> None:
        """Raises NotFound, as for a campaign that does not exist."""
        if not self.enters(campaign):
            raise NotFound(f"there is no campaign {campaign!r}")


# Gives the caller of a request (of whichever web framework), or raises Unauthorized.
Authenticate = Callable[[Any], Awaitable[Caller]]
