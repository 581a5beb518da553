"""Steering: cancel, pause, resume, retry, priority and deletion, of one download or a whole family.

One transaction where it fits, so that it is immediate; else a cascade: a mark on the root that stops
everything else, the children chunk by chunk, and a last write (protocol rules 7 to 10). Whoever meets
a mark carries it on: the next action on the family, or the dispatcher.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cratekeeper.domain.access import Caller, Permission
from cratekeeper.domain.actions import Action
from cratekeeper.domain.control import Control, Held
from cratekeeper.domain.errors import (
    AlreadyQueued,
    Forbidden,
    InvalidState,
    LimitReached,
    NotFound,
    Unavailable,
    WriteRefused,
)
from cratekeeper.domain.events import EventType
from cratekeeper.domain.ids import chunk_key, chunk_of, is_download_id, key_of, split
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.limits import UserLimits, day_of
from cratekeeper.domain.models import Cascade, Chunk, Download, Family, Usage
from cratekeeper.domain.permits import is_spent
from cratekeeper.domain.states import Verb, move
from cratekeeper.domain.steering import MOST_WRITES, VERBS, Steering, family_after
from cratekeeper.domain.transitions import children_left
from cratekeeper.domain.writes import Lock, TakeLock, TakeSlot, Write
from cratekeeper.ports import Clock, DownloadStore, Log, Permits
from cratekeeper.services.collect import Collect
from cratekeeper.services.release import Release
from cratekeeper.services.settle import Settle

TRIES: Final = 20
"""How often a write that met another one is built anew before the caller is asked to try again."""

RACES: Final = 2
"""After so many refusals a whole family is marked first: its children end faster than it can be written at once."""

_EVENTS: Final = {
    Verb.CANCEL: EventType.DOWNLOAD_CANCELLED,
    Verb.PAUSE: EventType.DOWNLOAD_PAUSED,
    Verb.RESUME: EventType.DOWNLOAD_RESUMED,
    Verb.RETRY: EventType.USER_RETRY,
    Verb.PRIORITIZE: EventType.PRIORITY_CHANGED,
    Verb.DELETE: EventType.DOWNLOAD_DELETED,
}
_MAY_RUN: Final = frozenset({Verb.RESUME, Verb.RETRY, Verb.FORCE, Verb.PRIORITIZE})
"""Verbs after which something may be runnable that was not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steer:
    """Carries out what people ask of downloads.

    Args:
        limits: the default per-user limits: a retry takes an active slot, but no request of the day.
        lease_s: after so many seconds the dispatcher looks at a steered root.
    """

    store: DownloadStore
    permits: Permits
    clock: Clock
    log: Log
    release: Release
    settle: Settle
    collect: Collect
    limits: UserLimits
    lease_s: int

    def act(self, download_id: str, action: Action, *, caller: Caller, lane: Lane | None = None) -> Download:
        """Cancel, pause, resume, retry, or move to `lane`; returns the download after it.

        Raises NotFound (also of others' downloads), InvalidState, Forbidden (lane 1 without
        edit_catalog), AlreadyQueued and LimitReached (retry), Unavailable.
        """
        if lane is Lane.HIGH and not caller.may(Permission.EDIT_CATALOG):
            raise Forbidden("priority 1 needs the permission edit_catalog")
        verb = VERBS[action]
        return self._steer(
            download_id, Cascade(verb=verb, event=_EVENTS[verb], actor=caller.user_id, lane=lane), caller
        )

    def retry(self, download_id: str, *, caller: Caller, force: bool = False) -> Download:
        """An administrator's retry; `force` also takes running and waiting work back. Raises as `act`."""
        verb = Verb.FORCE if force else Verb.RETRY
        return self._steer(download_id, Cascade(verb=verb, event=EventType.ADMIN_RETRY, actor=caller.user_id), caller)

    def delete(self, download_id: str, *, caller: Caller) -> None:
        """Remove a root with its children; running work is cancelled first, the history stays.

        Raises NotFound, InvalidState (a child alone), Unavailable.
        """
        for _ in range(TRIES):
            _, item = self._found(download_id, caller)
            if not item.is_root:
                because = f"{item.id} is {item.state} and goes only with its album: delete {item.parent_id}"
                raise InvalidState(item.state, Verb.DELETE, because)
            if item.cascade:
                self.carry_on(item.id)
            elif not item.is_terminal:
                self.act(item.id, Action.CANCEL, caller=caller)
            elif self._mark_deleted(item, caller):
                self.carry_on(item.id)
                return
        raise Unavailable("the download is changing too fast; try again")

    def _mark_deleted(self, item: Download, caller: Caller) -> bool:
        """Whether the root says now that it goes; False = it has changed meanwhile."""
        cascade = Cascade(verb=Verb.DELETE, event=EventType.DOWNLOAD_DELETED, actor=caller.user_id)
        try:
            self.store.write(self._steering(cascade, self.clock.now()).mark(item))
        except WriteRefused:
            return False
        return True

    def carry_on(self, root: str) -> None:
        """Bring a marked cascade to its end; nothing to do without one."""
        for _ in range(TRIES):
            family = self.store.family(root)
            if family is None or family.root.cascade is None:
                return
            steering = self._steering(family.root.cascade, self.clock.now())
            try:
                self._step_through(steering, family)
            except WriteRefused:
                continue  # a child moved on meanwhile: look again
            after = self.store.family(root)
            if after:
                self._follow(steering, after, None)
            return
        self.log.warning("cascade_unfinished", download_id=root)  # the dispatcher goes on

    def _step_through(self, steering: Steering, family: Family) -> None:
        if steering.verb is not Verb.DELETE:
            for writes in steering.steps(family):
                self.store.commit(*writes)
            return
        self.collect.uploads_of(family)
        for writes in steering.erasures(family, self.store.plans(family.root.id)):
            self.store.commit(*writes)

    def _steer(self, download_id: str, cascade: Cascade, caller: Caller) -> Download:
        """Build the write from what is read, and again when it is refused."""
        steering = self._steering(cascade, self.clock.now())
        for number in range(TRIES):
            family, item = self._found(download_id, caller)
            if number and steering.is_by(item):
                return self._done(steering, family, item.id)  # our own write, whose answer was lost
            if family.root.cascade:
                self.carry_on(family.root.id)
                if number and family.root.cascade == cascade:  # our own mark
                    return self._found(download_id, caller)[1]
                continue
            if _is_there(item, cascade):
                return item
            try:
                writes = self._writes(steering, family, item, caller)
                if item.is_root and family.children and (len(writes) > MOST_WRITES or number >= RACES):
                    writes = [steering.mark(family.root), *self._taken(steering, family.root, caller)]
                self.store.commit(*writes)
            except WriteRefused as refused:
                _refuse_for_good(refused)
                continue
            return self._done(steering, family_after(family, writes), item.id)
        raise Unavailable("the download is changing too fast; try again")

    def _writes(self, steering: Steering, family: Family, item: Download, caller: Caller) -> list[Write]:
        """The whole steering as one transaction."""
        entries = self._taken(steering, family.root, caller)
        if item.is_root:
            return [*steering.family(family), *entries]
        holder = family.sets_of(chunk_of(split(item.id)[1] or 1))
        return [*steering.child(item, family.root, holder), *entries]

    def _taken(self, steering: Steering, root: Download, caller: Caller) -> tuple[Write, ...]:
        """Lock and active slot that an ended root takes again; a retry is no request of the day."""
        if not root.is_terminal or steering.verb not in _MAY_RUN:
            return ()
        lock = TakeLock(root.kind, root.content_id, root.id)
        if not root.takes_slot:
            return (lock,)
        day = day_of(self.clock.now())
        slot = TakeSlot(
            user_id=root.requested_by,
            root=root.id,
            day=day,
            known_day=day,
            max_active=caller.limits(self.limits).max_queue,
            max_requests=None,
            is_request=False,
        )
        return lock, slot

    def _done(self, steering: Steering, family: Family, download_id: str) -> Download:
        """What follows a committed steering; returns the download as it is then."""
        if family.root.cascade:
            self.carry_on(family.root.id)
            found = self._read(download_id)
            return found or family.root
        self._follow(steering, family, download_id)
        return next(item for item in (family.root, *family.children) if item.id == download_id)

    def _follow(self, steering: Steering, family: Family, download_id: str | None) -> None:
        """Permits come back, and what may run now is offered. Trouble here is no error: the dispatcher is there."""
        try:
            control = self._give_back(family)
            if download_id is None:  # the end of a cascade: who was rung during it could not begin
                self.release.ring_granted(control, [family.root, *family.children])
            self._settle(family)
            if steering.verb in _MAY_RUN:
                self._offer(family, download_id)
        except Unavailable as error:
            self.log.warning("release_failed", download_id=family.root.id, reason=str(error))

    def _give_back(self, family: Family) -> Control:
        """Hand on the permits of attempts that can be no more (rule 7), and take the marks of what cannot run.

        Returns the control item from before.
        """
        control, now = self.permits.read(), self.clock.now()
        items = {item.id: item for item in (family.root, *family.children)}
        held = [Held(download_id, permit) for download_id, permit in control.permits.items() if download_id in items]
        useless = [each for each in held if is_spent(each.permit, items[each.id], now)]
        asleep = frozenset(item.id for item in items.values() if not item.is_claimable(now))
        marks = {
            lane: ids & (asleep if lane is family.root.lane else frozenset(items))
            for lane, ids in control.hungry.items()
        }
        if useless or any(marks.values()):
            self.release.give_back(useless, {lane: ids for lane, ids in marks.items() if ids})
        return control

    def _settle(self, family: Family) -> None:
        """An ended child may have been its album's last."""
        if not family.root.awaits_children:
            return
        for chunk in family.chunks:
            if not chunk.open and chunk.number in family.root.open_chunks:
                self.settle.close(chunk)
        self.settle.end_if_done(family.root)

    def _offer(self, family: Family, download_id: str | None) -> None:
        root = family.root
        if root.is_claimable(self.clock.now()):
            self.release.offer(root)
        elif root.awaits_children:
            self._offer_child(family, download_id)

    def _offer_child(self, family: Family, download_id: str | None) -> None:
        """The steered child, or any of an album whose place among the waiting work has changed."""
        now = self.clock.now()
        children = [child for child in family.children if child.is_claimable(now)]
        wanted = [child for child in children if download_id in {child.id, family.root.id, None}]
        if not wanted:
            return
        if family.root.waiting is None:
            with suppress(WriteRefused):  # somebody else put it back, or the album moved on
                self.store.write(children_left(family.root))
        self.release.offer(wanted[0])

    def _steering(self, cascade: Cascade, now: datetime) -> Steering:
        return Steering(cascade=cascade, now=now, look_s=self.lease_s)

    def _found(self, download_id: str, caller: Caller) -> tuple[Family, Download]:
        """A root with its whole family, or a child with its album and its chunk of sets: one strong read.

        Raises NotFound for what is unknown, another's, or being deleted.
        """
        family = self._family(download_id) if is_download_id(download_id) else None
        items = (family.root, *family.children) if family else ()
        item = next((each for each in items if each.id == download_id), None)
        if family is None or item is None or not caller.sees(item.requested_by) or _goes(family.root):
            raise NotFound("no such download")
        return family, item

    def _family(self, download_id: str) -> Family | None:
        root, ordinal = split(download_id)
        if ordinal is None:
            return self.store.family(root)
        keys = dict.fromkeys([key_of(root), key_of(download_id), chunk_key(root, chunk_of(ordinal))])
        found = self.store.get(*keys)
        album, child = found.get(key_of(root)), found.get(key_of(download_id))
        chunks = tuple(each for each in found.values() if isinstance(each, Chunk))
        is_whole = isinstance(album, Download) and isinstance(child, Download) and len(found) == len(keys)
        if not (is_whole and isinstance(album, Download) and isinstance(child, Download)):
            return None
        return Family(root=album, chunks=chunks, children=(child,))

    def _read(self, download_id: str) -> Download | None:
        key = key_of(download_id)
        found = self.store.get(key).get(key)
        return found if isinstance(found, Download) else None


def _goes(root: Download) -> bool:
    """Whether the root is being deleted: it is gone already."""
    return root.cascade is not None and root.cascade.verb is Verb.DELETE


def _is_there(item: Download, cascade: Cascade) -> bool:
    """Whether a root has the wanted priority already. Raises InvalidState if it has ended."""
    if cascade.verb is not Verb.PRIORITIZE or not item.is_root:
        return False
    move(item.state, cascade.verb)
    return item.lane is cascade.lane


def _refuse_for_good(refused: WriteRefused) -> None:
    """Raise what no second try can change: another root holds the content, or the user's queue is full."""
    match refused.write, refused.current:
        case TakeLock(), Lock(holder):
            raise AlreadyQueued(holder) from refused
        case TakeSlot(max_active=int() as limit), Usage() as usage if len(usage.active) >= limit:
            raise LimitReached("queue_limit_reached", limit=limit, used=len(usage.active), resets_at=None) from refused
        case _:
            return
