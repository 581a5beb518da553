"""The queue table in memory: records, their indexes, and the stream of changes; one writer at a time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, assert_never

from cratekeeper.domain.control import Control
from cratekeeper.domain.counts import Counts
from cratekeeper.domain.errors import WriteRefused
from cratekeeper.domain.ids import Key, plan_key
from cratekeeper.domain.models import Chunk, Download, Kind, PlanChunk, Usage
from cratekeeper.domain.writes import (
    Change,
    Create,
    Erase,
    FreeLock,
    FreeSlot,
    Lock,
    Pin,
    Record,
    Stored,
    TakeCapacity,
    TakeLock,
    TakeSlot,
    Window,
    Write,
    applied,
    holds,
)

MAX_WRITES = 100
"""Actions in one transaction of DynamoDB."""


class Written(NamedTuple):
    """One entry of the table's stream: a download or a set chunk before and after a write."""

    old: Stored | None
    new: Stored


Place = Key | tuple[Kind, str] | str
"""What a write is about: a key, a lock's content, a user or a window."""


class Effect(NamedTuple):
    """What one write does if all of its transaction hold: the record in its place before and after."""

    place: Place
    old: Record | None
    new: Record | None


@dataclass(slots=True)
class Table:
    """All records, and `stream`: every change of a download or chunk in the order of commits.

    `orders` is the control item after each order of an operator, `counts` the last recount.
    `watchers` are called after each commit with what it changed. `lag` is how many of the latest
    changes the indexes have not seen yet.
    """

    control: Control
    parts: dict[str, dict[str, Download | Chunk | PlanChunk]] = field(default_factory=dict)
    locks: dict[tuple[Kind, str], Lock] = field(default_factory=dict)
    usages: dict[str, Usage] = field(default_factory=dict)
    windows: dict[str, Window] = field(default_factory=dict)
    stream: list[Written] = field(default_factory=list)
    orders: list[Control] = field(default_factory=list)
    counts: Counts | None = None
    watchers: list[Callable[[Sequence[Effect]], None]] = field(default_factory=list)
    lag: int = 0

    def at(self, key: Key) -> Stored | None:
        """The download or set chunk under the key."""
        found = self.parts.get(key.root, {}).get(key.part)
        return None if isinstance(found, PlanChunk) else found

    def download(self, download_id: str, key: Key) -> Download | None:
        """The download under its key."""
        found = self.at(key)
        return found if isinstance(found, Download) and found.id == download_id else None

    def downloads(self) -> Iterator[Download]:
        """Every root and child, in key order."""
        for _, parts in sorted(self.parts.items()):
            yield from (each for _, each in sorted(parts.items()) if isinstance(each, Download))

    def roots(self) -> Iterator[Download]:
        """The roots, as they are."""
        for parts in self.parts.values():
            root = parts.get("D")
            if isinstance(root, Download):
                yield root

    def indexed(self) -> Iterator[Download]:
        """The roots as the indexes have them: without the latest `lag` changes."""
        if not self.lag:
            yield from self.roots()
            return
        view: dict[str, Download | None] = {each.id: each for each in self.roots()}
        for old, new in reversed(self.stream[-self.lag :]):
            if isinstance(new, Download) and new.is_root:
                view[new.id] = old if isinstance(old, Download) else None
        yield from (each for each in view.values() if each)

    def transact(self, writes: Sequence[Write]) -> list[Effect]:
        """Carry out all writes or none; WriteRefused for the first whose condition does not hold."""
        if not 1 <= len(writes) <= MAX_WRITES:
            raise ValueError(f"{len(writes)} writes in one transaction")
        effects = [self._effect(each) for each in writes]
        if len({effect.place for effect in effects}) < len(effects):
            raise ValueError("two writes of one record in one transaction")
        for effect in effects:
            self._carry_out(effect)
        self.tell(effects)
        return effects

    def tell(self, effects: Sequence[Effect]) -> None:
        """Show a commit to those who watch."""
        for watch in self.watchers:
            watch(effects)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case (Key(root, part), old, Download() | Chunk() as new):
                self.parts.setdefault(root, {})[part] = new
                self.stream.append(Written(old if isinstance(old, Download | Chunk) else None, new))
            case (Key(root, part), _, PlanChunk() as new):
                self.parts.setdefault(root, {})[part] = new
            case (Key(root, part), _, None):
                self.parts.get(root, {}).pop(part, None)
            case ((Kind() as kind, str() as content_id), _, Lock() as new):
                self.locks[kind, content_id] = new
            case ((Kind() as kind, str() as content_id), _, None):
                self.locks.pop((kind, content_id), None)
            case (_, _, Usage() as new):
                self.usages[new.user_id] = new
            case (_, _, Window() as new):
                self.windows[new.name] = new
            case _:
                raise TypeError(f"no such effect: {effect!r}")

    def _effect(self, write: Write) -> Effect:  # noqa: C901, PLR0911 - one return per kind of write
        match write:
            case Change():
                return self._change(write)
            case Create(record):
                present = self.at(record.key)
                if present is not None:
                    raise WriteRefused(write, present)
                return Effect(record.key, None, record)
            case Pin(chunk):
                key = plan_key(chunk.root, chunk.epoch, chunk.number)
                return Effect(key, self.parts.get(key.root, {}).get(key.part), chunk)
            case Erase(key):
                return Effect(key, self.at(key), None)
            case TakeLock(kind, content_id, holder):
                return Effect((kind, content_id), self._lock(write), Lock(holder))
            case FreeLock(kind, content_id, _):
                return Effect((kind, content_id), self._lock(write), None)
            case TakeSlot():
                return self._take_slot(write)
            case FreeSlot(user_id, root):
                usage = self.usages.get(user_id, Usage(user_id=user_id))
                return Effect(f"U#{user_id}", usage, replace(usage, active=usage.active - {root}))
            case TakeCapacity(name, limit):
                window = self.windows.get(name, Window(name, 0))
                if limit is not None and window.used >= limit:
                    raise WriteRefused(write, window)
                return Effect(name, window, Window(name, window.used + 1))
            case other:
                assert_never(other)

    def _change(self, change: Change) -> Effect:
        record = self.at(change.key)
        if record is None or not holds(record, change):
            raise WriteRefused(change, record)
        if isinstance(record, Download):
            return Effect(change.key, record, applied(record, change))
        return Effect(change.key, record, applied(record, change))

    def _lock(self, write: TakeLock | FreeLock) -> Lock | None:
        """The lock as it is; refused while another root holds it."""
        lock = self.locks.get((write.kind, write.content_id))
        if lock and lock.holder != write.holder:
            raise WriteRefused(write, lock)
        return lock

    def _take_slot(self, slot: TakeSlot) -> Effect:
        """Refused when full, or when the record's day is not the one the caller knows."""
        usage = self.usages.get(slot.user_id, Usage(user_id=slot.user_id))
        is_refused = slot.max_active is not None and len(usage.active) + len(slot.roots) > slot.max_active
        requests = usage.requests_on(slot.day) + len(slot.roots)
        if slot.is_request:
            # A clock that lags behind the stored day must not start its count anew.
            is_refused = is_refused or usage.day != slot.known_day or slot.day < slot.known_day
            is_refused = is_refused or (slot.max_requests is not None and requests > slot.max_requests)
        if is_refused:
            raise WriteRefused(slot, usage)
        active = usage.active | slot.roots
        if not slot.is_request:
            return Effect(f"U#{slot.user_id}", usage, replace(usage, active=active))
        return Effect(f"U#{slot.user_id}", usage, replace(usage, active=active, day=slot.day, requests=requests))
