"""Steering: what cancel, pause, resume, retry and a new priority write, for one download or a whole family.

A `Cascade` says what is asked; the functions here turn it and a family as read into conditional
writes (protocol rules 7 to 10). A chunk's sets are always written as what its children are after the
write, under the sets as read: so a steering also heals what a crash had left half done.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, cast

from cratekeeper.domain.actions import Action
from cratekeeper.domain.errors import InvalidState
from cratekeeper.domain.events import Detail, Event, EventType
from cratekeeper.domain.ids import Key, chunk_of, split
from cratekeeper.domain.lanes import Rank, Waiting
from cratekeeper.domain.models import NONE, Cascade, Chunk, Download, Family, Kind, Sets, Tally
from cratekeeper.domain.states import TERMINAL, State, Verb, move
from cratekeeper.domain.writes import Change, Erase, Fields, FreeLock, FreeSlot, Write, applied

__all__ = ["VERBS", "Action", "Steering", "family_after", "sets_of"]

VERBS: Final = MappingProxyType({
    Action.CANCEL: Verb.CANCEL,
    Action.PAUSE: Verb.PAUSE,
    Action.RESUME: Verb.RESUME,
    Action.RETRY: Verb.RETRY,
    Action.PRIORITY: Verb.PRIORITIZE,
})

MOST_WRITES: Final = 100
"""Actions of one DynamoDB transaction."""

_ENDED: Final = frozenset({State.FAILED, State.CANCELLED})
_CHILDREN: Final[Mapping[Verb, frozenset[State]]] = MappingProxyType({
    Verb.CANCEL: frozenset(State) - TERMINAL,
    Verb.PAUSE: frozenset({State.PENDING, State.RETRY_WAITING, State.IN_PROGRESS}),
    Verb.RESUME: frozenset({State.PAUSED}),
    Verb.RETRY: _ENDED,
    Verb.FORCE: _ENDED | {State.RETRY_WAITING},
    Verb.REOPEN: frozenset(),
    Verb.PRIORITIZE: frozenset(State) - TERMINAL,
    Verb.DELETE: frozenset(),
})
"""The states in which a child of a steered album is steered too."""

_RESTARTS: Final = frozenset({Verb.RETRY, Verb.FORCE, Verb.REOPEN})
_AT_ONCE: Final = frozenset({Verb.RESUME, *_RESTARTS, Verb.PRIORITIZE})
"""Verbs that change the root first and its children after; the others change the root last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """One steering of one family.

    Args:
        cascade: what is asked, by whom.
        now: when.
        look_s: seconds after which the dispatcher looks at the root again.
    """

    cascade: Cascade
    now: datetime
    look_s: int

    @property
    def verb(self) -> Verb:
        """What is asked."""
        return self.cascade.verb

    def is_by(self, item: Download) -> bool:
        """Whether the item's last event is this steering's: our own write whose answer was lost (I6)."""
        event = item.event
        ours = (self.cascade.event, self.cascade.actor, self.now)
        return event is not None and (event.type, event.actor, event.at) == ours

    def family(self, family: Family) -> list[Write]:
        """All of it as one transaction, however large. Raises InvalidState if the root's state forbids it."""
        children = self._children(family)
        after = _after(family, children)
        root = _joined(self.root(family.root, after), self._sets(family.root, family, after))
        if family.chunks:
            root.given["open_chunks"] = family.root.open_chunks
            root.put["open_chunks"] = _open_chunks(family.root, after)
        chunks = [self._sets(chunk, family, after) for chunk in family.chunks]
        return [root, *children.values(), *(each for each in chunks if each.put), *self._farewell(family.root)]

    def mark(self, root: Download) -> Change:
        """The first step of a cascade: from here on nobody claims, releases, expands or finishes the family."""
        put = Fields(cascade=self.cascade, waiting=None, due_at=self._look)
        if self.verb not in _AT_ONCE:
            move(root.state, self.verb)
            # A record that goes must say so before; the others say it with the state that they change.
            event = self._event(root) if self.verb is Verb.DELETE else None
            return Change(key=root.key, given=_as_read(root), put=put, event=event)
        change = self.root(root, ())
        return Change(key=root.key, given=change.given, put=change.put | put, event=change.event)

    def steps(self, family: Family) -> Iterator[list[Write]]:
        """What is left of a marked cascade, transaction by transaction; the last one ends it."""
        children = self._children(family)
        after = _after(family, children)
        for holder in family.holders:
            number = holder.number if isinstance(holder, Chunk) else 0
            mine: list[Write] = [change for id_, change in children.items() if _chunk(id_) == number]
            sets = self._sets(holder, family, after)
            if sets.put:
                mine.append(sets)
            if mine and (number or not sets.put):
                # Whoever wakes up late must not touch a family whose cascade has ended.
                mine.append(Change(key=family.root.key, given=Fields(cascade=self.cascade)))
            if mine:
                yield mine
        yield [self._end(family.root, after), *self._farewell(family.root)]

    def erasures(self, family: Family, plans: Iterable[Key] = ()) -> Iterator[list[Write]]:
        """Everything that a marked root's partition holds, transaction by transaction, the root last."""
        root = family.root
        keys = [*(child.key for child in family.children), *(chunk.key for chunk in family.chunks), *plans]
        for start in range(0, len(keys), MOST_WRITES):
            yield [Erase(key) for key in keys[start : start + MOST_WRITES]]
        yield [Erase(root.key)]

    def child(self, child: Download, root: Download, holder: Sets) -> list[Write]:
        """One child by itself, together with its chunk's sets. Raises InvalidState."""
        self._check_child(child, root)
        change = self._of(child, root)
        after = applied(child, change)
        ordinal = split(child.id)[1] or 0
        one = frozenset({ordinal})
        is_restart = self.verb in _RESTARTS
        is_held = after.state is State.PAUSED
        put = Fields(
            open=holder.open - one if after.is_terminal else holder.open | one,
            held=holder.held | one if is_held else holder.held - one,
            failed=holder.failed - one,
            cancelled=holder.cancelled | one if after.state is State.CANCELLED else holder.cancelled - one,
        )
        if is_restart or self.verb is Verb.RESUME:
            put["round"] = holder.round + 1
        sets = Change(key=holder.key, given=_sets_as_read(holder), put=put)
        if isinstance(holder, Download):
            return [change, _joined(sets, self._parent(root, None))]
        return [change, sets, self._parent(root, holder.number)]

    def _check_child(self, child: Download, root: Download) -> None:
        """What a child may only do while its album lets it. Raises InvalidState."""
        if self.verb is Verb.PRIORITIZE:
            because = f"{child.id} is {child.state}; it has the priority of its album: change that of {root.id}"
            raise InvalidState(child.state, self.verb, because)
        move(child.state, self.verb)
        if self.verb is Verb.RESUME and root.state is State.PAUSED:
            raise InvalidState(child.state, self.verb, f"{child.id} is PAUSED with its album: resume {root.id}")
        if self.verb in _RESTARTS and root.state in {State.PAUSED, State.CANCELLED}:
            because = f"{child.id} is {child.state} and its album {root.state}: steer {root.id} instead"
            raise InvalidState(child.state, self.verb, because)

    def _parent(self, root: Download, chunk: int | None) -> Change:
        """What a child's steering changes of the album: a retry reopens an ended one (rule 10)."""
        given, put = Fields(state=root.state, round=root.round, cascade=None, lane=root.lane), Fields()
        if self.verb in _RESTARTS and root.is_terminal:
            if not (root.state is State.FAILED or root.partial):
                raise InvalidState(root.state, Verb.REOPEN)
            change = replace(self, cascade=replace(self.cascade, verb=Verb.REOPEN)).root(root, ())
            given, put = change.given, change.put
            put["open_chunks"] = root.open_chunks | ({chunk} if chunk else NONE)
            return Change(key=root.key, given=given, put=put, event=change.event)
        if self.verb in _RESTARTS and chunk:  # the end of its last open child may be closing it
            given["open_chunks"], put["open_chunks"] = root.open_chunks, root.open_chunks | {chunk}
        return Change(key=root.key, given=given, put=put)

    def _children(self, family: Family) -> dict[str, Change]:
        """The changes of the children that are steered too, by id."""
        touched = _CHILDREN[self.verb]
        return {
            child.id: self._of(child, family.root)
            for child in family.children
            if child.state in touched and not (self.verb is Verb.PRIORITIZE and child.lane is self.cascade.lane)
        }

    def _of(self, item: Download, album: Download | None = None) -> Change:
        """The change of a single download or of one child: what starts again does so in its album's lane."""
        put = self._put(item)
        if album and self.verb is not Verb.PRIORITIZE:
            put["lane"] = album.lane
        return Change(key=item.key, given=_as_read(item), put=put, event=self._event(item))

    def _put(self, item: Download) -> Fields:
        verb = self.verb
        if verb in _RESTARTS and item.state in _ENDED:
            verb = Verb.RETRY if verb is not Verb.REOPEN else verb
        state = move(item.state, verb)
        if verb is Verb.PRIORITIZE and self.cascade.lane:
            # Its worker alone dates what runs, or is claimed unread: epoch and round do not tell it of this.
            is_dated = item.is_root and state is not State.IN_PROGRESS
            return Fields(state=state, lane=self.cascade.lane) | (self._dated(item) if is_dated else Fields())
        put = Fields(state=state) | self._dated(item)
        put |= Fields(lease_until=None, owner=None, next_retry_at=None, parked_until=None, paused_from=None)
        match verb:
            case Verb.CANCEL:
                put |= Fields(completed_at=self.now)
            case Verb.PAUSE:
                put |= Fields(paused_from=item.state)
            case Verb.RESUME:
                put |= Fields(round=item.round + 1)
            case _:
                put |= _restarted(item)
        return put

    def _dated(self, item: Download) -> Fields:
        return Fields(updated_at=max(item.updated_at, self.now))

    def root(self, root: Download, after: Iterable[Download]) -> Change:
        """The root's own change; `after` are its children as they will be."""
        change = self._of(root)
        put = change.put | Fields(cascade=None)
        match self.verb:
            case Verb.CANCEL:
                put |= self._cancelled(root, list(after))
            case Verb.PAUSE:
                put |= Fields(waiting=None, due_at=None)
            case Verb.PRIORITIZE:
                put |= self._moved(root)
                change.given["waiting"] = root.waiting
            case _:
                put |= Fields(waiting=_first_place(root), due_at=self._look)
        given = change.given | Fields(expanded=root.expanded, cursor=root.cursor)
        return Change(key=root.key, given=given, put=put, event=change.event)

    def _end(self, root: Download, after: tuple[Download, ...]) -> Change:
        """The last write of a marked cascade."""
        if self.verb not in _AT_ONCE:
            return self.root(root, after)
        place = _regained(root) if self.verb is Verb.PRIORITIZE else _first_place(root)
        return Change(
            key=root.key,
            given=_as_read(root),
            put=Fields(cascade=None, waiting=place, open_chunks=_open_chunks(root, after), due_at=self._look),
        )

    def _cancelled(self, root: Download, after: list[Download]) -> Fields:
        """What a cancelled root keeps, and gives up."""
        has_upload = any(item.upload for item in (root, *after))
        put = Fields(waiting=None, due_at=self._look if has_upload else None)
        if root.kind is not Kind.ALBUM or not root.total:
            return put
        completed = [item for item in after if item.state is State.COMPLETED]
        failed = sum(item.state is State.FAILED for item in after)
        put |= Fields(
            final=Tally(completed=len(completed), failed=failed, cancelled=root.total - len(completed) - failed),
            bytes_downloaded=sum(item.bytes_downloaded or 0 for item in completed),
            partial=bool(completed),
            open_chunks=_open_chunks(root, after),
        )
        return put

    def _moved(self, root: Download) -> Fields:
        """The root's place among the waiting work, in its new lane."""
        if root.waiting is None or self.cascade.lane is None:
            return Fields()
        return Fields(waiting=Waiting(self.cascade.lane, root.waiting.rank))

    @property
    def _look(self) -> datetime:
        return self.now + timedelta(seconds=self.look_s)

    def _farewell(self, root: Download) -> tuple[Write, ...]:
        """What a cancelled root gives back in the write that ends it."""
        if self.verb is not Verb.CANCEL:
            return ()
        slot = (FreeSlot(root.requested_by, root.id),) if root.takes_slot else ()
        return FreeLock(root.kind, root.content_id, root.id), *slot

    def _sets(self, holder: Sets, family: Family, after: tuple[Download, ...]) -> Change:
        """A chunk's sets as its children will be; nothing to put if they are so already."""
        number = holder.number if isinstance(holder, Chunk) else 0
        given = _sets_as_read(holder)
        if isinstance(holder, Download):
            given["cascade"] = holder.cascade
        children = [child for child in after if _chunk(child.id) == number]
        put = sets_of(children) if family.root.cursor else Fields()
        wanted = cast("Fields", {name: value for name, value in put.items() if getattr(holder, name) != value})
        rounds = {child.id: child.round for child in family.children}
        if number and any(child.round != rounds[child.id] for child in children):
            wanted["round"] = holder.round + 1  # also where the sets stay: an old set write may still be on its way
        return Change(key=holder.key, given=given, put=wanted)

    def _event(self, item: Download) -> Event:
        return Event(type=self.cascade.event, at=self.now, actor=self.cascade.actor, details=self._details(item))

    def _details(self, item: Download) -> dict[str, Detail]:
        match self.cascade.event:
            case EventType.USER_RETRY | EventType.ADMIN_RETRY:
                return {"error_type": item.error_type.value} if item.error_type else {}
            case EventType.PRIORITY_CHANGED:
                return {"from": int(item.lane), "to": int(self.cascade.lane or item.lane)}
            case _:
                return {"from": item.state.value}


def family_after(family: Family, writes: Iterable[Write]) -> Family:
    """The family as it is once the changes among these writes are carried out."""
    changes = {write.key: write for write in writes if isinstance(write, Change)}
    downloads = [
        applied(item, changes[item.key]) if item.key in changes else item for item in (family.root, *family.children)
    ]
    return Family(
        root=downloads[0],
        chunks=tuple(applied(chunk, changes[chunk.key]) if chunk.key in changes else chunk for chunk in family.chunks),
        children=tuple(downloads[1:]),
    )


def sets_of(children: Iterable[Download]) -> Fields:
    """A chunk's sets and bytes as a pure function of its children."""
    ordinals: dict[State, set[int]] = {state: set() for state in State}
    size_bytes = 0
    for child in children:
        ordinals[child.state].add(split(child.id)[1] or 0)
        size_bytes += (child.bytes_downloaded or 0) if child.state is State.COMPLETED else 0
    held = ordinals[State.PAUSED] | ordinals[State.RETRY_WAITING]
    return Fields(
        open=frozenset(held | ordinals[State.PENDING] | ordinals[State.IN_PROGRESS]),
        held=frozenset(held),
        failed=frozenset(ordinals[State.FAILED]),
        cancelled=frozenset(ordinals[State.CANCELLED]),
        bytes_done=size_bytes,
    )


def _restarted(item: Download) -> Fields:
    """What an explicit retry begins anew; `attempts` and `epoch` count on for life."""
    return Fields(
        round=item.round + 1,
        started_at=None,
        completed_at=None,
        retry_count=0,
        busy_count=0,
        corrupt_count=0,
        lease_losses=0,
        error_type=None,
        error_message=None,
        bytes_downloaded=None,
        duration_ms=None,
        partial=False,
        final=None,
    )


def _as_read(item: Download) -> Fields:
    state = Fields(state=item.state, epoch=item.epoch, round=item.round)
    return state | Fields(cascade=item.cascade, lane=item.lane, updated_at=item.updated_at)


def _sets_as_read(holder: Sets) -> Fields:
    return Fields(round=holder.round, open=holder.open, held=holder.held)


def _joined(first: Change, second: Change) -> Change:
    """Two changes of one record as one write."""
    return Change(
        key=first.key,
        given=first.given | second.given,
        put=first.put | second.put,
        event=first.event or second.event,
    )


def _after(family: Family, changes: Mapping[str, Change]) -> tuple[Download, ...]:
    """The children as they will be."""
    return tuple(applied(child, changes[child.id]) if child.id in changes else child for child in family.children)


def _chunk(child: str) -> int:
    return chunk_of(split(child)[1] or 1)


def _first_place(root: Download) -> Waiting:
    return Waiting(root.lane, Rank.ROOT)


def _regained(root: Download) -> Waiting | None:
    """The place that a moved root has again once its children are moved too."""
    if root.state is State.PENDING:
        return Waiting(root.lane, Rank.PARKED if root.parked_until else Rank.ROOT)
    is_family = root.state is State.IN_PROGRESS and root.expanded and root.lease_until is None
    return Waiting(root.lane, Rank.CHILDREN) if is_family else None


def _open_chunks(root: Download, after: Iterable[Download]) -> frozenset[int]:
    """The further chunks with an open child, and those that are not created yet."""
    open_now = {_chunk(child.id) for child in after if not child.is_terminal}
    unborn = range(chunk_of(root.cursor) + 1, chunk_of(max(root.total, 1)) + 1) if root.cursor else ()
    return frozenset({*open_now, *unborn} - {0})
