"""Users as operators see them: role, limits of their own, and the keys they hold."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cratekeeper.domain.access import Caller, Role
from cratekeeper.domain.events import Event

MOST_KEYS: Final = 50
"""Unrevoked keys of one user: they share an item with the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An unrevoked API key. What opens doors is known to nobody but its holder."""

    key_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user with the last event of their keys, which is written together with it.

    Args:
        user_id: as in tokens, downloads and events.
        role: what they are.
        created_at: when they were made.
        max_per_day: requests a day; -1 = unlimited, None = the default.
        max_queue: active downloads; -1 = unlimited, None = the default.
        keys: oldest first, at most MOST_KEYS.
        seq: number of the last event, 0 = none yet.
        event: the last one.
    """

    user_id: str
    role: Role
    created_at: datetime
    max_per_day: int | None = None
    max_queue: int | None = None
    keys: tuple[Key, ...] = ()
    seq: int = 0
    event: Event | None = None

    @property
    def caller(self) -> Caller:
        """The user as a caller."""
        return Caller(user_id=self.user_id, role=self.role, max_per_day=self.max_per_day, max_queue=self.max_queue)

    @property
    def subject(self) -> str:
        """Whose events these are; no download and no other subject has such a name."""
        return f"user:{self.user_id}"
