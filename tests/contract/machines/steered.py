"""The life of downloads, with people who cancel, pause, resume, retry, move and delete them meanwhile.

What a steering writes is taken as it is built: here it meets every other transition, from fresh views
and from stale ones, and what must hold of families holds after each write.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from cratekeeper.domain.errors import InvalidState
from cratekeeper.domain.events import EventType
from cratekeeper.domain.ids import Key, key_of, split
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import Cascade, Chunk, Download, Family, Kind
from cratekeeper.domain.states import State, Verb
from cratekeeper.domain.steering import Steering
from cratekeeper.domain.transitions import drop_upload
from cratekeeper.domain.writes import Change, Erase, FreeLock, FreeSlot, TakeLock, TakeSlot, Write
from tests.contract.machines import plain
from tests.contract.machines.downloads import ENDS, Downloads, backs, picks, skews
from tests.contract.machines.plain import row_of

EVENTS: Final = {
    Verb.CANCEL: EventType.DOWNLOAD_CANCELLED,
    Verb.PAUSE: EventType.DOWNLOAD_PAUSED,
    Verb.RESUME: EventType.DOWNLOAD_RESUMED,
    Verb.RETRY: EventType.USER_RETRY,
    Verb.FORCE: EventType.ADMIN_RETRY,
    Verb.PRIORITIZE: EventType.PRIORITY_CHANGED,
    Verb.DELETE: EventType.DOWNLOAD_DELETED,
}
AGAIN: Final = (Verb.RESUME, Verb.RETRY, Verb.FORCE)
"""Verbs that begin a new round."""

verbs = st.sampled_from([verb for verb in EVENTS if verb is not Verb.DELETE])
lanes = st.sampled_from(Lane)


class SteeredDownloads(Downloads):
    """The same downloads, steered."""

    def built(self, writes: Sequence[Write]) -> bool:
        """Carry out writes as they were built; the model learns what came of them. Whether they held."""
        before = dict(self.plain.rows)
        answer = self.ask(lambda side: side.store.commit(*writes))
        assert answer.error in {"", "WriteRefused"}
        keys = sorted({write.key for write in writes if isinstance(write, Change | Erase)})
        found = self.ask(lambda side: side.store.get(*keys)).value
        after = {key: row_of(record) for key, record in found.items()}
        if answer.error:
            assert after == {key: before[key] for key in keys if key in before}, "a refused write wrote"
            return False
        self.plain.rows = {place: row for place, row in before.items() if place not in keys} | after
        for write in writes:
            self._note(write)
        self._learn(found, keys)
        return True

    def _note(self, write: Write) -> None:
        """Locks and slots, as the model has them."""
        match write:
            case TakeLock(kind, content_id, holder):
                assert self.plain.rows.get(("lock", kind, content_id)) in (None, holder)
                self.plain.rows["lock", kind, content_id] = holder
            case FreeLock(kind, content_id, _):
                self.plain.rows.pop(("lock", kind, content_id), None)
            case TakeSlot(user_id=user_id, root=root):
                self.plain.rows["slots", user_id] |= {root}
            case FreeSlot(user_id, root):
                self.plain.rows["slots", user_id] -= {root}
            case _:
                pass

    def family(self, root: str, back: int) -> Family:
        """A family as it is or as it was. A Query is no snapshot: children may be newer than who holds their sets."""
        holders = self.commits - back
        children = self.commits - back // 2
        records = [
            record
            for key in sorted(self.past)
            if key.root == root and (record := self.as_of(key, children if key.part.startswith("C#") else holders))
        ]
        downloads = [each for each in records if isinstance(each, Download)]
        born = [each for each in downloads if not each.is_root]
        return Family(
            root=next(each for each in downloads if each.is_root),
            chunks=tuple(each for each in records if isinstance(each, Chunk)),
            children=tuple(born),
        )

    def as_of(self, key: Key, time: int) -> Download | Chunk | None:
        """A record as it was after so many commits; those of an expansion are there since the same one."""
        seen = [record for at, record in zip(self.times[key], self.past[key], strict=True) if at <= time]
        parent = self.past.get(key_of(key.root))
        is_unborn = not seen and parent is not None and self.times[key_of(key.root)][0] + 1 < self.times[key][0]
        return seen[-1] if seen else None if is_unborn else self.past[key][0]

    def steering(self, verb: Verb, skew: int, lane: Lane | None) -> Steering:
        cascade = Cascade(verb=verb, event=EVENTS[verb], actor="alice", lane=lane)
        return Steering(cascade=cascade, now=self.clock(skew), look_s=60)

    def taken(self, root: Download) -> tuple[Write, ...]:
        """What an ended root takes again."""
        if not root.is_terminal:
            return ()
        slot = TakeSlot(
            user_id=root.requested_by, root=root.id, day="", known_day="", max_active=9, max_requests=None,
            is_request=False,
        )  # fmt: skip
        return TakeLock(root.kind, root.content_id, root.id), slot

    @rule(pick=picks, back=backs, skew=skews, verb=verbs, lane=lanes)
    def steer_family(self, pick: int, back: int, skew: int, verb: Verb, lane: Lane) -> None:
        """All of it at once."""
        family = self.family(self.view(pick, 0, roots=True).id, back)
        steering = self.steering(verb, skew, lane if verb is Verb.PRIORITIZE else None)
        if family.root.cascade:
            return
        try:
            writes = steering.family(family)
        except InvalidState:
            return
        self.built([*writes, *(self.taken(family.root) if verb in AGAIN else ())])

    @rule(pick=picks, back=backs, skew=skews, verb=verbs, lane=lanes)
    def mark_family(self, pick: int, back: int, skew: int, verb: Verb, lane: Lane) -> None:
        """The beginning of a cascade."""
        root = self.family(self.view(pick, 0, roots=True).id, back).root
        steering = self.steering(verb, skew, lane if verb is Verb.PRIORITIZE else None)
        if root.cascade or root.kind is not Kind.ALBUM or not root.cursor:
            return
        try:
            mark = steering.mark(root)
        except InvalidState:
            return
        self.built([mark, *(self.taken(root) if verb in AGAIN else ())])

    @rule(pick=picks, back=backs, skew=skews, steps=st.sampled_from([1, 1, 2, 9]))
    def carry_on(self, pick: int, back: int, skew: int, steps: int) -> None:
        """Some steps of a cascade, from what was read of the family."""
        marked = sorted(root["id"] for root in self.plain.roots() if root["cascade"])
        if not marked:
            return
        family = self.family(marked[pick % len(marked)], back)
        cascade = family.root.cascade
        if cascade is None:
            return
        steering = Steering(cascade=cascade, now=self.clock(skew), look_s=60)
        found = steering.erasures(family) if cascade.verb is Verb.DELETE else steering.steps(family)
        for writes in islice(found, steps):
            if not self.built(writes):
                break

    @rule(pick=picks, back=backs, old=backs, skew=skews, verb=verbs)
    def steer_child(self, pick: int, back: int, old: int, skew: int, verb: Verb) -> None:
        """One child, from views of it, its album and its sets that may be of different ages."""
        child = self.view(pick, back, roots=False)
        root = self.family(split(child.id)[0], old).root
        holder = self.holder(child, old)
        if root.cascade:
            return
        try:
            writes = self.steering(verb, skew, None).child(child, root, holder)
        except InvalidState:
            return
        self.built([*writes, *(self.taken(root) if verb in AGAIN else ())])

    @rule(pick=picks, back=backs)
    def delete(self, pick: int, back: int) -> None:
        """A root that has ended, with all that it has: marked first."""
        root = self.view(pick, back, roots=True)
        parents = {key.root for key in self.past if key.part.startswith("C#")}
        if root.is_terminal and root.cascade is None and parents != {root.id}:
            self.built([self.steering(Verb.DELETE, 0, None).mark(root)])

    @rule(pick=picks, back=backs)
    def collect(self, pick: int, back: int) -> None:
        """The upload of what has ended was aborted."""
        item = self.view(pick, back)
        if item.is_terminal and item.upload:
            self.do((drop_upload(item), plain.drop_upload(item)))

    @rule()
    def request_another(self) -> None:
        """So that there is something left."""
        if len([root for root in self.plain.roots() if root["state"] not in ENDS]) < 2:
            self._request(Kind.TRACK, f"track {len(self.done)}")

    @invariant()
    def what_must_hold_of_families(self) -> None:
        """I13: who has ended has no child that has not. I26: nor has who is paused one that may run."""
        children: dict[str, set[State]] = {}
        for row in self.plain.downloads():
            root, ordinal = split(row["id"])
            if ordinal:
                children.setdefault(root, set()).add(row["state"])
        for row in self.plain.roots():
            states = children.get(row["id"], set())
            if row["state"] in ENDS:
                assert states <= set(ENDS), f"{row['id']} is {row['state']}, its children {states}"
            if row["state"] is State.PAUSED:
                assert states <= {State.PAUSED, *ENDS}, f"{row['id']} is paused, its children {states}"
            assert row["cascade"] is None or row["waiting"] is None, "what is in a cascade is not released"
