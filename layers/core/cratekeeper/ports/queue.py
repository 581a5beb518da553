"""The queue table, its control item and the lane queues."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from cratekeeper.domain.control import NO_MARKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from cratekeeper.domain.control import Control, Held, Marks, Seeker
    from cratekeeper.domain.counts import Counts
    from cratekeeper.domain.events import Event
    from cratekeeper.domain.ids import Key
    from cratekeeper.domain.lanes import Lane, Rank
    from cratekeeper.domain.models import Chunk, Download, Family, Kind, PlanChunk, Usage
    from cratekeeper.domain.states import State
    from cratekeeper.domain.writes import Change, Stored, Write


class Briefing(NamedTuple):
    """What a worker must know before a claim, in one strong read.

    `holder_chunk` is the set chunk of a child beyond the parent's first one, else None.
    """

    item: Download | None
    parent: Download | None
    holder_chunk: Chunk | None
    control: Control


class WaitingEntry(NamedTuple):
    """One entry of the `waiting` index: a root's id, its lane and its rank."""

    id: str
    lane: Lane
    rank: Rank


class Page(NamedTuple):
    """Root ids, newest first, and where the next page begins (None = this was the last)."""

    ids: tuple[str, ...]
    next_after: str | None


class DownloadStore(Protocol):
    """The queue table's items. Reads by id are strong; reads of an index may lag."""

    def get(self, *keys: Key) -> dict[Key, Stored]:
        """The records (at most 100) that exist, by key; strong."""
        ...

    def briefing(self, download_id: str) -> Briefing:
        """The item, its parent and set chunk, and the control item; strong, one round trip."""
        ...

    def write(self, change: Change) -> Stored:
        """Carry out one change and return the record after it.

        Raises WriteRefused with the record as it is (None = absent) and writes nothing if a
        condition does not hold. A repeated change is refused by its own first success: callers
        recognise that by what `current` holds.
        """
        ...

    def commit(self, *writes: Write) -> None:
        """Carry out all writes (1..100, each of another record) or none.

        Raises WriteRefused for the first write, in order, whose condition does not hold.
        """
        ...

    def family(self, root: str) -> Family | None:
        """Everything in a root's partition; strong. None if the root is gone."""
        ...

    def children(self, root: str, *, after: int, limit: int) -> list[Download]:
        """Children with ordinals above `after`, in album order, at most `limit`."""
        ...

    def plan_chunk(self, root: str, *, epoch: int, chunk: int) -> PlanChunk | None:
        """One chunk of a stored plan; strong."""
        ...

    def plans(self, root: str) -> list[Key]:
        """Keys of all plan chunks that were ever stored of a root, of whichever epoch; strong."""
        ...

    def due(self, shard: int, *, before: datetime, limit: int) -> list[str]:
        """Ids of roots of the shard to be visited at or before `before`, the most overdue first."""
        ...

    def waiting(self, *, limit: int) -> list[WaitingEntry]:
        """The first entries of all lanes in the order of work, parked albums left out; one Query.

        Index key: hash `w`, range `{lane}{rank}#{root}` for CHILDREN and ROOT, `P{lane}#{root}` for
        PARKED, so that one ascending Query meets the work in its order and parked albums last.
        """
        ...

    def waiting_roots(self, *, limit: int) -> list[str]:
        """The first `limit` PENDING roots of all lanes by lane and age, parked ones too."""
        ...

    def waiting_count(self, lane: Lane, *, limit: int) -> int:
        """How many roots are PENDING in the lane, parked ones too; counted up to `limit`."""
        ...

    def count(self, state: State, *, limit: int) -> int:
        """How many roots are in the state; counted up to `limit`."""
        ...

    def recounted(self) -> Counts | None:
        """The last recount; strong."""
        ...

    def recount(self, *, now: datetime, older_than: datetime) -> None:
        """Count all roots and store the result, if the last recount was made before `older_than`."""
        ...

    def newest(self, states: Iterable[State], *, after: str | None, limit: int) -> Page:
        """Everybody's roots in these states, newest first; `after` is the last id of the page before.

        What it costs depends on `limit` and the number of states, never on how much is stored.
        """
        ...

    def oldest(self, state: State, *, limit: int) -> list[str]:
        """The first `limit` roots in the state, by age."""
        ...

    def roots_of(self, user_id: str, *, after: str | None, limit: int) -> Page:
        """The user's roots, newest first; `after` is the last id of the page before."""
        ...

    def usage(self, user_id: str) -> Usage:
        """What the user has in use; strong."""
        ...

    def lock_holder(self, kind: Kind, content_id: str) -> str | None:
        """The id of the active root that holds the content; strong."""
        ...

    def lock_holders(self, refs: Iterable[tuple[Kind, str]]) -> dict[tuple[Kind, str], str]:
        """The active roots that hold these contents, for those that are held; any number, strong."""
        ...

    def everything(self) -> Iterator[Download | Control]:
        """Every download and the control item, page by page: for repair after an outage, never on a hot path."""
        ...

    def albums_started(self, *windows: str) -> tuple[int, ...]:
        """Albums counted in each of the named capacity windows; strong."""
        ...


class Permits(Protocol):
    """The control item. Every write is one conditional write, and answers with the item after it.

    A refused write raises PermitRefused with the item as it is. A repeated write whose first
    success was not heard of is recognised by its exact value and answers as a success.
    """

    def read(self) -> Control:
        """The control item; strong."""
        ...

    def take(self, seeker: Seeker, *, limit: int) -> Control:
        """Add a permit under `Control.may_take`; removes the id from the hungry ones."""
        ...

    def swap(self, held: Held, seeker: Seeker, *, limit: int) -> Control:
        """Replace exactly `held` by the seeker's permit under `Control.may_swap`."""
        ...

    def drop(self, *held: Held, marks: Marks = NO_MARKS) -> Control:
        """Remove exactly these permits and hungry marks, in one write as long as all of the permits are there.

        Removing what is gone is harmless.
        """
        ...

    def renew(self, held: Held, *, until: datetime) -> Control:
        """Extend exactly `held`."""
        ...

    def mark(self, download_id: str, lane: Lane, *, limit: int) -> Control:
        """Add the id to the lane's hungry ones under `Control.may_mark`; refused = room appeared."""
        ...

    def unmark(self, ids: Iterable[str], lane: Lane) -> Control:
        """Remove ids from the lane's hungry ones; removing what is not there is harmless."""
        ...

    def pause(self, event: Event, *, reason: str | None, resume_at: datetime | None) -> Control:
        """Close the queue in the name of the event's actor; running work goes on.

        Of a queue that is paused already nothing changes, and there is no event.
        """
        ...

    def resume(self, event: Event, *, due: datetime | None = None) -> Control:
        """End the pause; with `due` only one whose `resume_at` is exactly that. Else nothing changes."""
        ...

    def set_limit(self, limit: int, *, event: Event) -> Control:
        """Set `max_concurrent` (1..1000) at run time; it wins over the deployment's.

        If it is in force already nothing changes. Permits above a lowered limit stay until they end.
        """
        ...


class Worker(Protocol):
    """The worker, asked by name."""

    def run(self, download_id: str) -> bool:
        """Have it deal with one item, on its own path: claim to finish.

        Whether the item was its to run: False if another worker was first, or it may not run. True
        also if it is still at it when the wait for its answer ends. Repeating it is harmless.
        """
        ...


class Bell(Protocol):
    """The lane queues. A message holds only an id; losing, repeating or reordering it is harmless."""

    def ring(self, lane: Lane, download_ids: Sequence[str], *, delay_s: int = 0) -> None:
        """Send one message per id to the lane's queue, to be received after 0..900 s; ValueError outside."""
        ...

    def postpone(self, receipt: str, lane: Lane, *, seconds: int) -> None:
        """Hide a received message for 0..43,200 s; ValueError outside."""
        ...
