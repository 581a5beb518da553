"""The items of the queue table in memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from cratekeeper.domain.control import Control
from cratekeeper.domain.counts import COUNTED, Counts
from cratekeeper.domain.ids import Key, chunk_key, chunk_of, key_of, parent_of, plan_key, shard_of, split
from cratekeeper.domain.lanes import Lane, Rank
from cratekeeper.domain.models import Chunk, Download, Family, Kind, PlanChunk, Usage
from cratekeeper.domain.states import State
from cratekeeper.domain.writes import Change, Stored, Write
from cratekeeper.ports import Briefing, Page, WaitingEntry
from tests.memory.calls import Calls, fault_point
from tests.memory.table import Table

MAX_KEYS = 100
"""Keys in one batch read of DynamoDB."""


@dataclass(slots=True)
class MemoryStore:
    """Reads and writes of the items of a table."""

    table: Table
    calls: Calls = field(default_factory=Calls)
    port: str = "store"

    @fault_point
    def get(self, *keys: Key) -> dict[Key, Stored]:
        if not 1 <= len(keys) <= MAX_KEYS:
            raise ValueError(f"{len(keys)} keys in one read")
        found = {key: self.table.at(key) for key in keys}
        return {key: record for key, record in found.items() if record is not None}

    @fault_point
    def briefing(self, download_id: str) -> Briefing:
        parent, ordinal = parent_of(download_id), split(download_id)[1]
        chunk = chunk_of(ordinal) if ordinal else 0
        holder = self.table.at(chunk_key(parent, chunk)) if parent and chunk else None
        return Briefing(
            item=self.table.download(download_id, key_of(download_id)),
            parent=self.table.download(parent, key_of(parent)) if parent else None,
            holder_chunk=holder if isinstance(holder, Chunk) else None,
            control=self.table.control,
        )

    @fault_point
    def write(self, change: Change) -> Stored:
        new = self.table.transact([change])[0].new
        if not isinstance(new, Download | Chunk):
            raise TypeError(f"a change made {new!r}")
        return new

    @fault_point
    def commit(self, *writes: Write) -> None:
        self.table.transact(writes)

    @fault_point
    def family(self, root: str) -> Family | None:
        parts = self.table.parts.get(root, {})
        found = parts.get("D")
        if not isinstance(found, Download):
            return None
        ordered = [parts[name] for name in sorted(parts) if name != "D"]
        return Family(
            root=found,
            chunks=tuple(each for each in ordered if isinstance(each, Chunk)),
            children=tuple(each for each in ordered if isinstance(each, Download)),
        )

    @fault_point
    def children(self, root: str, *, after: int, limit: int) -> list[Download]:
        parts = self.table.parts.get(root, {})
        children = [parts[name] for name in sorted(parts) if name.startswith("C#") and int(name[2:]) > after]
        return [each for each in children[:limit] if isinstance(each, Download)]

    @fault_point
    def plan_chunk(self, root: str, *, epoch: int, chunk: int) -> PlanChunk | None:
        found = self.table.parts.get(root, {}).get(plan_key(root, epoch, chunk).part)
        return found if isinstance(found, PlanChunk) else None

    @fault_point
    def plans(self, root: str) -> list[Key]:
        parts = self.table.parts.get(root, {})
        return [Key(root, name) for name in sorted(parts) if isinstance(parts[name], PlanChunk)]

    @fault_point
    def due(self, shard: int, *, before: datetime, limit: int) -> list[str]:
        found = [
            (root.due_at, root.id)
            for root in self.table.indexed()
            if root.due_at is not None and root.due_at <= before and shard_of(root.id) == shard
        ]
        return [root for _, root in sorted(found)[:limit]]

    @fault_point
    def waiting(self, *, limit: int) -> list[WaitingEntry]:
        found = [
            WaitingEntry(root.id, root.waiting.lane, root.waiting.rank)
            for root in self.table.indexed()
            if root.waiting and root.waiting.rank is not Rank.PARKED
        ]
        return sorted(found, key=lambda entry: (entry.lane, entry.rank, entry.id))[:limit]

    @fault_point
    def waiting_roots(self, *, limit: int) -> list[str]:
        return [root for lane in Lane for root in sorted(self._not_started(lane))][:limit]

    @fault_point
    def waiting_count(self, lane: Lane, *, limit: int) -> int:
        return min(limit, len(self._not_started(lane)))

    @fault_point
    def count(self, state: State, *, limit: int) -> int:
        return min(limit, len(self._in(state)))

    @fault_point
    def recounted(self) -> Counts | None:
        return self.table.counts

    @fault_point
    def recount(self, *, now: datetime, older_than: datetime) -> None:
        if self.table.counts is None or self.table.counts.at < older_than:
            lanes = {lane: len(self._not_started(lane)) for lane in Lane}
            self.table.counts = Counts(
                at=now, by_lane=lanes, by_state={state: len(self._in(state)) for state in COUNTED}
            )

    @fault_point
    def newest(self, states: Iterable[State], *, after: str | None, limit: int) -> Page:
        ids = sorted(each for state in states for each in self._in(state) if after is None or each < after)[::-1]
        page = tuple(ids[:limit])
        return Page(page, page[-1] if len(ids) > limit else None)

    @fault_point
    def oldest(self, state: State, *, limit: int) -> list[str]:
        return sorted(self._in(state))[:limit]

    @fault_point
    def roots_of(self, user_id: str, *, after: str | None, limit: int) -> Page:
        ids = sorted((root.id for root in self.table.indexed() if root.requested_by == user_id), reverse=True)
        older = [each for each in ids if after is None or each < after]
        page = tuple(older[:limit])
        return Page(page, page[-1] if len(older) > limit else None)

    @fault_point
    def usage(self, user_id: str) -> Usage:
        return self.table.usages.get(user_id, Usage(user_id=user_id))

    @fault_point
    def lock_holder(self, kind: Kind, content_id: str) -> str | None:
        lock = self.table.locks.get((kind, content_id))
        return lock.holder if lock else None

    @fault_point
    def lock_holders(self, refs: Iterable[tuple[Kind, str]]) -> dict[tuple[Kind, str], str]:
        return {ref: self.table.locks[ref].holder for ref in refs if ref in self.table.locks}

    @fault_point
    def everything(self) -> Iterator[Download | Control]:
        return iter([*self.table.downloads(), self.table.control])

    @fault_point
    def albums_started(self, *windows: str) -> tuple[int, ...]:
        found = (self.table.windows.get(name) for name in windows)
        return tuple(window.used if window else 0 for window in found)

    def _in(self, state: State) -> list[str]:
        return [root.id for root in self.table.indexed() if root.state is state]

    def _not_started(self, lane: Lane) -> list[str]:
        """Roots that wait in the lane, parked ones too: those whose children wait have started."""
        return [
            root.id
            for root in self.table.indexed()
            if root.waiting and root.waiting.lane is lane and root.waiting.rank is not Rank.CHILDREN
        ]
