"""History, bus, identities, secrets and log in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from cratekeeper.domain.access import Caller, Role
from cratekeeper.domain.events import HistoryEntry
from tests.memory.calls import Calls, fault_point

MAX_ENTRIES = 100
"""Keys in one batch read of DynamoDB."""


@dataclass(slots=True)
class MemoryHistory:
    """Rows by their deterministic id. `clashes` are ids that were put again with another content."""

    calls: Calls = field(default_factory=Calls)
    rows: dict[str, HistoryEntry] = field(default_factory=dict)
    clashes: list[str] = field(default_factory=list)
    port: str = "history"

    @fault_point
    def put(self, entries: Sequence[HistoryEntry]) -> None:
        for entry in entries:
            if self.rows.setdefault(entry.id, entry) != entry:
                self.clashes.append(entry.id)

    @fault_point
    def absent(self, entries: Sequence[HistoryEntry]) -> list[HistoryEntry]:
        if len(entries) > MAX_ENTRIES:
            raise ValueError(f"{len(entries)} entries in one read")
        return [entry for entry in entries if entry.id not in self.rows]

    @fault_point
    def of_download(self, download_id: str, *, after: int, limit: int) -> list[HistoryEntry]:
        found = [each for each in self.rows.values() if each.download_id == download_id and each.seq > after]
        return sorted(found, key=lambda entry: entry.seq)[:limit]


@dataclass(slots=True)
class MemoryBus:
    """Everything ever published."""

    calls: Calls = field(default_factory=Calls)
    published: list[HistoryEntry] = field(default_factory=list)
    port: str = "bus"

    @fault_point
    def publish(self, entries: Sequence[HistoryEntry]) -> None:
        self.published.extend(entries)


@dataclass(slots=True)
class MemoryIdentities:
    """Users by id, and the owners of key hashes."""

    calls: Calls = field(default_factory=Calls)
    users: dict[str, Caller] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    port: str = "identities"

    @fault_point
    def caller_of(self, key_hash: str) -> Caller | None:
        return self.users.get(self.keys.get(key_hash, ""))

    @fault_point
    def put_user(self, user_id: str, role: Role) -> None:
        user = self.users.get(user_id, Caller(user_id=user_id, role=role))
        self.users[user_id] = replace(user, role=role)

    @fault_point
    def put_key(self, user_id: str, *, key_id: str, key_hash: str, now: datetime) -> None:
        del key_id, now
        self.keys[key_hash] = user_id

    def revoke(self, key_hash: str) -> None:
        """Take a key away."""
        del self.keys[key_hash]


@dataclass(slots=True)
class MemorySecrets:
    """The deployment's secrets; `reads` counts how often they were fetched."""

    calls: Calls = field(default_factory=Calls)
    reads: int = 0
    port: str = "secrets"

    @fault_point
    def pepper(self) -> bytes:
        self.reads += 1
        return b"pepper of the tests"


class Line(NamedTuple):
    """One line of the log."""

    level: str
    action: str
    fields: dict[str, object]


@dataclass(slots=True)
class MemoryLog:
    """Every line logged."""

    lines: list[Line] = field(default_factory=list)

    def info(self, action: str, **fields: object) -> None:
        self.lines.append(Line("info", action, fields))

    def warning(self, action: str, **fields: object) -> None:
        self.lines.append(Line("warning", action, fields))

    def actions(self) -> list[str]:
        """What was logged, without the fields."""
        return [line.action for line in self.lines]
