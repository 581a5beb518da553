"""What is kept beside the queue: history, domain events, users and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from cratekeeper.domain.access import Caller, Role
    from cratekeeper.domain.activity import Activity
    from cratekeeper.domain.announcements import DomainEvent
    from cratekeeper.domain.audit import AuditPage, AuditSearch
    from cratekeeper.domain.events import Event, HistoryEntry
    from cratekeeper.domain.idempotency import KeptAnswer, KeyName, KeyRecord
    from cratekeeper.domain.users import User


class Sealed(NamedTuple):
    """Slots of activity that have been counted, oldest first; those before `until` that are missing were empty."""

    until: datetime | None
    rows: list[Activity]


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

    def audit(self, search: AuditSearch, *, after: str | None, limit: int) -> AuditPage:
        """Entries of a search, from the place `after` on that a page before named; may lag.

        The filter is applied before the page is cut. What it costs depends on what lies between `since` and `until`,
        and is bounded: where little fits, a page ends early and names the place to go on from.
        """
        ...

    def ended(self, *, since: datetime, until: datetime) -> Iterator[HistoryEntry]:
        """Entries of completions and failures with `since <= at < until`, oldest first; may lag."""
        ...

    def activity(self, *, since: datetime) -> Sealed:
        """The sealed slots from `since` on."""
        ...

    def seal(self, rows: Sequence[Activity], *, until: datetime | None = None) -> None:
        """Store recounted slots, and then that all before `until` are sealed.

        A slot stays as it is if its stored recount saw more events, and so does a later mark.
        """
        ...


class EventBus(Protocol):
    """The bus of domain events."""

    def publish(self, events: Sequence[DomainEvent]) -> None:
        """Publish the events; a subscriber may see one more than once, and knows it by its id."""
        ...


class Identities(Protocol):
    """Users and keyed hashes of their API keys."""

    def caller_of(self, key_hash: str) -> Caller | None:
        """The owner of an unrevoked key."""
        ...

    def user(self, user_id: str) -> User | None:
        """The user; strong."""
        ...

    def users(self, *, after: str | None, limit: int) -> list[User]:
        """Users with ids above `after`, by id; may lag."""
        ...

    def everybody(self) -> Iterator[User]:
        """Every user, page by page: for repair after an outage; may lag."""
        ...

    def create(self, user: User) -> None:
        """Add a user without keys. Raises AlreadyExists."""
        ...

    def amend(self, user_id: str, values: Mapping[str, Role | int | None]) -> User:
        """Set these of `role`, `max_per_day`, `max_queue` (None = the default again). Raises NotFound."""
        ...

    def put_user(self, user_id: str, role: Role, *, now: datetime) -> None:
        """Create the user or change the role; limit overrides and keys stay."""
        ...

    def put_key(self, user_id: str, *, key_id: str, key_hash: str, event: Event) -> None:
        """Store a key of the user together with its event. Raises NotFound, or TooManyKeys."""
        ...

    def revoke(self, user_id: str, *, key_id: str, event: Event) -> None:
        """Make the key open nothing from now on, together with its event. Raises NotFound if it does not already."""
        ...


class IdempotencyRecords(Protocol):
    """Idempotency-Keys. Every write is one conditional write."""

    def take(self, name: KeyName, bid: KeyRecord, *, now: datetime) -> KeyRecord:
        """Take the key with `bid` if it is unknown or forgotten, or open to the bid's fingerprint.

        In the last case the stored `root` stays. Returns the record after it: the key is the bid's
        if the record's holder is. A repeated take answers like its first success.
        """
        ...

    def keep(self, name: KeyName, *, holder: str, answer: KeptAnswer) -> bool:
        """Store the answer; False, and nothing written, if the key is another holder's or answered."""
        ...

    def release(self, name: KeyName, *, holder: str, now: datetime) -> None:
        """Let the next repetition run at once, under the same root; harmless if the key is not the holder's."""
        ...

    def forget(self, name: KeyName, *, holder: str) -> None:
        """Remove an unanswered key; harmless if it is not the holder's."""
        ...
