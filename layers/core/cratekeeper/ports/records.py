"""What is kept beside the queue: history, domain events, users and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cratekeeper.domain.access import Caller, Role
    from cratekeeper.domain.events import HistoryEntry


class HistoryStore(Protocol):
    """The history table."""

    def put(self, entries: Sequence[HistoryEntry]) -> None:
        """Put entries under their deterministic ids; repeating it changes nothing."""
        ...

    def absent(self, entries: Sequence[HistoryEntry]) -> list[HistoryEntry]:
        """Those of the entries (at most 100) that are not stored."""
        ...

    def of_download(self, download_id: str, *, after: int, limit: int) -> list[HistoryEntry]:
        """Entries of one download with a `seq` above `after`, oldest first."""
        ...


class EventBus(Protocol):
    """The bus of domain events."""

    def publish(self, entries: Sequence[HistoryEntry]) -> None:
        """Publish one domain event per entry; a subscriber may see one more than once."""
        ...


class Identities(Protocol):
    """Users and keyed hashes of their API keys."""

    def caller_of(self, key_hash: str) -> Caller | None:
        """The owner of an unrevoked key."""
        ...

    def put_user(self, user_id: str, role: Role) -> None:
        """Create the user or change the role; limit overrides stay."""
        ...

    def put_key(self, user_id: str, *, key_id: str, key_hash: str, now: datetime) -> None:
        """Store a key of the user."""
        ...
