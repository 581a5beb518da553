"""Permits and lanes: the control item under takes, swaps, drops, renewals, marks, orders and lapses."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import rule

from cratekeeper.domain.control import Control, Held, Permit, Seeker
from cratekeeper.domain.events import Event, EventType
from cratekeeper.domain.lanes import Lane
from tests.contract.conftest import LIMIT
from tests.contract.machines.sides import Answer, Compared, Side
from tests.memory.virtual import START, SeededIds

LEASE: Final = timedelta(seconds=60)

picks = st.integers(0, 7)
lanes = st.sampled_from(Lane)
backs = st.sampled_from([0, 0, 0, 0, 1, 2, 5])
"""How old the control item is on which a write rests: mostly fresh."""


class PermitsAndLanes(Compared):
    """Eight ids, and a plain model of the control item: dictionaries, sets and three conditions."""

    def __init__(self, sides: Sequence[Side]) -> None:
        super().__init__(sides)
        ids = SeededIds(seed=3)
        first, second = ids.download(START), ids.download(START)
        self.ids = (first, *(f"{first}-{n}" for n in (1, 2, 13, 99)), second, f"{second}-1", ids.download(START))
        self.now = START
        self.limit: int | None = LIMIT
        self.paused: dict[str, Any] = {"paused": False, "paused_reason": None, "paused_by": None, "resume_at": None}
        self.permits: dict[str, Permit] = {}
        self.hungry: dict[Lane, set[str]] = {lane: set() for lane in Lane}
        self.rounds = dict.fromkeys(self.ids, (0, 0))
        self.orders = 0
        self.seen: list[Control] = [Control(limit=LIMIT)]

    def view(self, back: int) -> Control:
        """The control item as it is, or as it was."""
        return self.seen[max(0, len(self.seen) - 1 - back)]

    def held(self, pick: int, back: int) -> Held | None:
        """A permit that is, or was, in the map."""
        permits = self.view(back).permits
        if not permits:
            return None
        chosen = sorted(permits)[pick % len(permits)]
        return Held(chosen, permits[chosen])

    def seeker(self, pick: int, lane: Lane) -> Seeker:
        """An id with the permit of its next attempt."""
        return Seeker(self.ids[pick], lane, Permit(self.now + LEASE, *self.rounds[self.ids[pick]]))

    def room_for(self, seeker: Seeker) -> bool:
        """Rules 4 and 18: open, no higher lane hungry, and not one permit more than the limit."""
        is_open = not self.paused["paused"] and self.limit not in (0, None)
        return is_open and not any(self.hungry[lane] for lane in Lane if lane < seeker.lane)

    def expect(self, answer: Answer, *, may: bool) -> None:
        """The answer is a success or a refusal as the model says, and shows the item as the model has it."""
        assert answer.error == ("" if may else "PermitRefused")
        control = answer.value if may else (answer.said or {})["control"]
        self.compare(control)
        self.seen.append(control)

    def compare(self, control: Control) -> None:
        """Everything that people and workers can see of it."""
        assert control.limit == self.limit
        assert {name: getattr(control, name) for name in self.paused} == self.paused
        assert dict(control.permits) == self.permits
        assert control.hungry == {lane: ids for lane, ids in self.hungry.items() if ids}
        assert control.seq == self.orders

    def put(self, seeker: Seeker) -> None:
        """A grant: the permit is in the map, its id hungers in its lane no more."""
        self.permits[seeker.id] = seeker.permit
        self.hungry[seeker.lane].discard(seeker.id)
        assert self.limit is not None
        assert len(self.permits) <= self.limit, "I18: a grant above the limit"

    @rule(seconds=st.sampled_from([1, 20, 61]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(pick=picks)
    def claim(self, pick: int) -> None:
        """An item goes on to its next attempt, or its next round: older permits are good for nothing."""
        epoch, round_ = self.rounds[self.ids[pick]]
        self.rounds[self.ids[pick]] = (epoch + 1, round_ + pick % 2)

    @rule(pick=picks, lane=lanes, back=backs)
    def take(self, pick: int, lane: Lane, back: int) -> None:
        seeker, limit = self.seeker(pick, lane), self.view(back).limit
        if limit is None:
            return
        answer = self.ask(lambda side: side.permits.take(seeker, limit=limit))
        is_there = self.permits.get(seeker.id) == seeker.permit
        has_room = limit == self.limit and len(self.permits) < limit and seeker.id not in self.permits
        may = has_room and self.room_for(seeker)
        if may:
            self.put(seeker)
        self.expect(answer, may=may or is_there)

    @rule(pick=picks, lane=lanes, back=backs, other=picks, rivals=st.sampled_from(["", "seen", "old"]))
    def swap(self, pick: int, lane: Lane, back: int, other: int, rivals: str) -> None:
        held, seeker, seen = self.held(other, back), self.seeker(pick, lane), self.view(back)
        limit = seen.limit
        if held is None or limit is None:
            return
        if rivals:
            old = self.view(back if rivals == "seen" else back + 2)
            seeker = seeker._replace(rivals=old.hungry.get(lane, frozenset()))
        answer = self.ask(lambda side: side.permits.swap(held, seeker, limit=limit))
        is_held = self.permits.get(held.id) == held.permit
        is_there = self.permits.get(seeker.id) == seeker.permit and not is_held
        may = (
            is_held
            and limit == self.limit
            and len(self.permits) <= limit
            and (seeker.id == held.id or seeker.id not in self.permits)
            and seeker.rivals in (None, self.hungry[lane])
            and self.room_for(seeker)
        )
        if may and not is_there:
            del self.permits[held.id]
            self.put(seeker)
        self.expect(answer, may=may or is_there)

    @rule(chosen=st.frozensets(picks, max_size=3), back=backs, lane=lanes, is_marked=st.booleans())
    def drop(self, chosen: frozenset[int], back: int, lane: Lane, *, is_marked: bool) -> None:
        """Exactly these permits, and what hungers of these ids."""
        held = {found for pick in sorted(chosen) if (found := self.held(pick, back))}
        marks = {lane: frozenset(self.ids[pick] for pick in chosen)} if is_marked and chosen else {}
        if not held and not marks:
            return
        answer = self.ask(lambda side: side.permits.drop(*sorted(held), marks=marks))
        for each in held:
            if self.permits.get(each.id) == each.permit:
                del self.permits[each.id]
        self.hungry[lane] -= marks.get(lane, frozenset())
        self.expect(answer, may=True)

    @rule(pick=picks, back=backs, longer_s=st.sampled_from([0, 60, 61]))
    def renew(self, pick: int, back: int, longer_s: int) -> None:
        held, until = self.held(pick, back), self.now + timedelta(seconds=longer_s)
        if held is None:
            return
        answer = self.ask(lambda side: side.permits.renew(held, until=until))
        renewed, present = held.permit._replace(until=until), self.permits.get(held.id)
        if present == held.permit:
            self.permits[held.id] = renewed
        self.expect(answer, may=present in (held.permit, renewed))

    @rule(pick=picks, lane=lanes, back=backs)
    def mark(self, pick: int, lane: Lane, back: int) -> None:
        """Rule 5: only where there is no room, so that nobody hungers beside a free permit."""
        download_id, limit = self.ids[pick], self.view(back).limit
        if limit is None:
            return
        answer = self.ask(lambda side: side.permits.mark(download_id, lane, limit=limit))
        is_higher = any(self.hungry[above] for above in Lane if above < lane)
        is_full = len(self.permits) >= limit
        may = limit == self.limit and (is_full or is_higher or download_id in self.permits)
        if may:
            self.hungry[lane].add(download_id)
        self.expect(answer, may=may)

    @rule(chosen=st.frozensets(picks, max_size=3), lane=lanes)
    def unmark(self, chosen: frozenset[int], lane: Lane) -> None:
        ids = [self.ids[pick] for pick in sorted(chosen)]
        answer = self.ask(lambda side: side.permits.unmark(ids, lane))
        self.hungry[lane] -= set(ids)
        self.expect(answer, may=True)

    @rule(limit=st.sampled_from([1, 2, 3, 3, 5]))
    def set_limit(self, limit: int) -> None:
        """I19: a new limit kills nobody; a lower one admits nobody above it."""
        event = self.order(EventType.QUEUE_LIMIT_CHANGED)
        answer = self.ask(lambda side: side.permits.set_limit(limit, event=event))
        self.orders += limit != self.limit
        self.limit = limit
        self.expect(answer, may=True)

    @rule(limit=st.sampled_from([0, None]))
    def deploy(self, limit: int | None) -> None:
        """What no operator can order at run time: nothing at all, or no limit."""
        is_paused = self.paused["paused"]
        self.ask(lambda side: side.set_control(limit=limit, paused=is_paused))
        self.limit = limit
        self.look()

    @rule(resumes_s=st.sampled_from([None, 30]))
    def pause(self, resumes_s: int | None) -> None:
        """Of a queue that is paused already nothing changes."""
        event = self.order(EventType.QUEUE_PAUSED)
        resume_at = self.now + timedelta(seconds=resumes_s) if resumes_s else None
        answer = self.ask(lambda side: side.permits.pause(event, reason="works", resume_at=resume_at))
        if not self.paused["paused"]:
            self.paused = {"paused": True, "paused_reason": "works", "paused_by": "root", "resume_at": resume_at}
            self.orders += 1
        self.expect(answer, may=True)

    @rule(back=backs, is_timed=st.booleans())
    def resume(self, back: int, *, is_timed: bool) -> None:
        """By hand, or by the dispatcher that has read when the pause was to end."""
        event, due = self.order(EventType.QUEUE_RESUMED), self.view(back).resume_at if is_timed else None
        if is_timed and due is None:
            return
        answer = self.ask(lambda side: side.permits.resume(event, due=due))
        if self.paused["paused"] and due in (None, self.paused["resume_at"]):
            self.paused = {"paused": False, "paused_reason": None, "paused_by": None, "resume_at": None}
            self.orders += 1
        self.expect(answer, may=True)

    @rule()
    def look(self) -> None:
        self.expect(self.ask(lambda side: side.permits.read()), may=True)

    def order(self, kind: EventType) -> Event:
        """What an operator orders."""
        return Event(type=kind, at=self.now, actor="root")
