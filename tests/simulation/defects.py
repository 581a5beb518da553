"""Seeded defects: a checker that does not find these would be worth nothing.

Each takes one guard away from an adapter, so that what the services ask for is no longer checked.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, NamedTuple, cast

from typing_extensions import override

from cratekeeper.domain.control import NO_MARKS, Control, Held, Marks, Seeker
from cratekeeper.domain.events import SYSTEM, HistoryEntry
from cratekeeper.domain.writes import Change, Fields, FreeLock, FreeSlot, Stored, TakeCapacity, TakeLock, Write
from tests.memory.media import MemoryMedia
from tests.memory.permits import MemoryPermits
from tests.memory.records import MemoryHistory
from tests.memory.store import MemoryStore
from tests.memory.world import World
from tests.simulation.checker import Violation
from tests.simulation.explore import Tally, enumerate_deeds, enumerate_struck_deeds, random_setup
from tests.simulation.run import Sabotage, simulate
from tests.simulation.workloads import WORKLOADS

Weaken = Callable[[Write], Write | None]
"""What is carried out instead of a write; None = nothing."""


@dataclass(slots=True)
class WeakStore(MemoryStore):
    """Changes each write before it is carried out; `is_atomic` False = writes go one by one."""

    weaken: Weaken = lambda write: write
    is_atomic: bool = True

    @override
    def write(self, change: Change) -> Stored:
        weak = self.weaken(change)
        return MemoryStore.write(self, weak if isinstance(weak, Change) else change)

    @override
    def commit(self, *writes: Write) -> None:
        weak = [each for each in map(self.weaken, writes) if each is not None]
        for part in [weak] if self.is_atomic else [[each] for each in weak]:
            MemoryStore.commit(self, *part)


def _store(weaken: Weaken, *, is_atomic: bool = True) -> Sabotage:
    def sabotage(world: World) -> World:
        return replace(world, store=WeakStore(world.table, world.calls, weaken=weaken, is_atomic=is_atomic))

    return sabotage


def _unguarded(name: str) -> Weaken:
    """Changes lose one of the fields that must be as read."""

    def weaken(write: Write) -> Write:
        if not isinstance(write, Change):
            return write
        given = {each: value for each, value in write.given.items() if each != name}
        return replace(write, given=cast("Fields", given))

    return weaken


def _twice(write: Write) -> Write:
    return replace(write, member=None) if isinstance(write, Change) else write


def _silent(write: Write) -> Write:
    return replace(write, event=None) if isinstance(write, Change) and write.put.get("expanded") else write


def _long_lease(write: Write) -> Write:
    until = write.put.get("lease_until") if isinstance(write, Change) else None
    if not isinstance(write, Change) or until is None:
        return write
    return replace(write, put=cast("Fields", {**write.put, "lease_until": until + timedelta(seconds=1)}))


def _without(*kinds: type[Any]) -> Weaken:
    return lambda write: None if isinstance(write, kinds) else write


def _boundless(write: Write) -> Write:
    return replace(write, limit=None) if isinstance(write, TakeCapacity) else write


def _same_round(write: Write) -> Write:
    if not isinstance(write, Change):
        return write
    put = {name: value for name, value in write.put.items() if name != "round"}
    return replace(write, put=cast("Fields", put))


def _first_two(write: Write) -> Write | None:
    """Steerings forget their third child and all that follow."""
    is_steered = isinstance(write, Change) and write.event is not None and write.event.actor != SYSTEM
    return None if is_steered and isinstance(write, Change) and "C#00003" <= write.key.part < "D" else write


@dataclass(slots=True)
class StubbornPermits(MemoryPermits):
    """Drops nothing."""

    @override
    def drop(self, *held: Held, marks: Marks = NO_MARKS) -> Control:
        del held, marks
        return MemoryPermits.read(self)


@dataclass(slots=True)
class RudePermits(MemoryPermits):
    """Drops and renews whatever stands under the id."""

    @override
    def drop(self, *held: Held, marks: Marks = NO_MARKS) -> Control:
        return MemoryPermits.drop(self, *map(self._as_it_is, held), marks=marks)

    @override
    def renew(self, held: Held, *, until: datetime) -> Control:
        return MemoryPermits.renew(self, self._as_it_is(held), until=until)

    def _as_it_is(self, held: Held) -> Held:
        return Held(held.id, self.table.control.permits.get(held.id, held.permit))


@dataclass(slots=True)
class GenerousPermits(MemoryPermits):
    """Grants whatever the limit and however hungry others are."""

    @override
    def take(self, seeker: Seeker, *, limit: int) -> Control:
        if seeker.id in self.table.control.permits:
            return MemoryPermits.take(self, seeker, limit=limit)
        return self.calls.carry_out("permits.take", lambda: self._granted(seeker, without=None))


@dataclass(slots=True)
class OverwritingMedia(MemoryMedia):
    """Puts objects where others are."""

    @override
    def put(
        self, key: str, chunks: Iterable[bytes], *, size_bytes: int, content_type: str, if_match: str | None = None
    ) -> str:
        present = self.objects.get(key)
        etag = present.info.etag if present else if_match
        return MemoryMedia.put(self, key, chunks, size_bytes=size_bytes, content_type=content_type, if_match=etag)


@dataclass(slots=True)
class ForgetfulHistory(MemoryHistory):
    """Loses the last entry of a batch."""

    @override
    def put(self, entries: Sequence[HistoryEntry]) -> None:
        MemoryHistory.put(self, entries[:-1] if len(entries) > 1 else entries)


def _rude_permits(world: World) -> World:
    return replace(world, permits=RudePermits(world.table, world.calls))


def _generous_permits(world: World) -> World:
    return replace(world, permits=GenerousPermits(world.table, world.calls))


def _overwriting(world: World) -> World:
    return replace(world, media=OverwritingMedia(world.clock, world.calls))


def _forgetful(world: World) -> World:
    return replace(world, history=ForgetfulHistory(world.calls))


def _stubborn(world: World) -> World:
    return replace(world, permits=StubbornPermits(world.table, world.calls))


DEFECTS: Final[Mapping[str, Sabotage]] = MappingProxyType({
    "epoch not compared": _store(_unguarded("epoch")),
    "state not compared": _store(_unguarded("state")),
    "settled twice": _store(_twice),
    "transactions half done": _store(lambda write: write, is_atomic=False),
    "lock never freed": _store(_without(FreeLock)),
    "slot never freed": _store(_without(FreeSlot)),
    "lock never taken": _store(_without(TakeLock)),
    "capacity without bound": _store(_boundless),
    "lease longer than its permit": _store(_long_lease),
    "expansion without an event": _store(_silent),
    "permits dropped by anybody": _rude_permits,
    "permits above the limit": _generous_permits,
    "objects overwritten": _overwriting,
    "history with gaps": _forgetful,
    "round never raised": _store(_same_round),
    "children left out of a steering": _store(_first_two),
    "permits never given back": _stubborn,
})


class Hidden(NamedTuple):
    """A defect that shows only where a deed meets it: at which of its calls, or faults at them."""

    sabotage: Sabotage
    workload: str
    deed: str
    enumerate_runs: Callable[..., Iterator[None]]


HIDDEN: Final[Mapping[str, Hidden]] = MappingProxyType({
    "round not compared": Hidden(_store(_unguarded("round")), "album of 3", "pause, resume at once", enumerate_deeds),
    "cascade not compared": Hidden(_store(_unguarded("cascade")), "album of 120", "cancel", enumerate_struck_deeds),
})


def hunt_hidden(hidden: Hidden) -> Violation | None:
    """What the enumeration of one deed finds of a defect."""
    tally = Tally(sabotage=hidden.sabotage)
    for _ in hidden.enumerate_runs(replace(WORKLOADS[hidden.workload], deeds=(hidden.deed,)), tally, is_full=False):
        if tally.findings:
            return tally.findings[0].violation
    return None


def hunt(sabotage: Sabotage, *, seeds: int) -> Violation | None:
    """What random schedules find of a defect, the first of at most `seeds`."""
    for seed in range(seeds):
        setup = random_setup(seed)
        if setup.workload.sample is None:
            found = simulate(replace(setup, sabotage=sabotage)).violations
            if found:
                return found[0]
    return None
