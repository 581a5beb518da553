"""The control item: pause, limit, permits and hungry ids, and the pure rules of granting (protocol 1-6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from cratekeeper.domain.bars import Bar, Reason
from cratekeeper.domain.events import Event
from cratekeeper.domain.lanes import Lane

SUBJECT: Final = "queue"
"""What the history calls the queue as a whole: its events have the ids `queue:1`, `queue:2`, …"""


class Permit(NamedTuple):
    """The right to run one attempt: good only for the claim of exactly this epoch and round."""

    until: datetime
    epoch: int
    round: int


Marks = Mapping[Lane, frozenset[str]]
"""Hungry ids by lane."""

NO_MARKS: Final[Marks] = MappingProxyType({})


class Held(NamedTuple):
    """A permit as its holder knows it: the id and the exact stored value."""

    id: str
    permit: Permit


class Seeker(NamedTuple):
    """An item that may run and the permit it would get.

    `rivals` are the hungry ids of its lane among which it was found the best, where that view may
    be old; a swap is refused if they have changed. None = the view is fresh, do not compare.
    """

    id: str
    lane: Lane
    permit: Permit
    rivals: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What one strong read of the control item tells.

    Args:
        limit: permits that may be out at once (`max_concurrent`), None = unlimited, no permits.
        paused: the queue is paused: nothing is granted.
        paused_reason: for people.
        paused_by: user id of who paused it.
        resume_at: when the dispatcher ends the pause, None = somebody must.
        permits: by download id, lapsed ones included.
        hungry: by lane, the ids that found no room.
        seq: number of the last event.
        event: what an operator did last: paused, resumed, changed the limit.

    """

    limit: int | None
    paused: bool = False
    paused_reason: str | None = None
    paused_by: str | None = None
    resume_at: datetime | None = None
    permits: Mapping[str, Permit] = field(default_factory=dict)
    hungry: Mapping[Lane, frozenset[str]] = field(default_factory=dict)
    seq: int = 0
    event: Event | None = None

    @property
    def is_closed(self) -> bool:
        """Whether nothing may start: paused, or a limit of 0."""
        return self.paused or self.limit == 0

    def hungry_above(self, lane: Lane) -> frozenset[str]:
        """Hungry ids of the lanes that go before `lane`."""
        return frozenset().union(*(self.hungry.get(above, frozenset()) for above in lane.higher))

    def all_hungry(self) -> list[tuple[str, Lane]]:
        """Every hungry id with its lane."""
        return [(each, lane) for lane, ids in self.hungry.items() for each in ids]

    def lapsed(self, now: datetime) -> list[Held]:
        """Permits that ended before `now`, the oldest first; they are free to be taken over."""
        ended = [Held(each, permit) for each, permit in self.permits.items() if permit.until < now]
        return sorted(ended, key=lambda held: (held.permit.until, held.id))

    def live(self, now: datetime) -> int:
        """Permits in use."""
        return sum(permit.until >= now for permit in self.permits.values())

    def holds(self, held: Held) -> bool:
        """Whether exactly this permit is in the map."""
        return self.permits.get(held.id) == held.permit

    def has_room(self) -> bool:
        """Whether a permit can be added without taking one over."""
        return self.limit is not None and len(self.permits) < self.limit

    def bars(self, download_id: str, lane: Lane) -> list[Bar]:
        """What keeps an id of a lane from a free permit: closed, no room, one in its name, a higher lane hungry."""
        found = []
        if self.paused:
            found.append(Bar(Reason.QUEUE_PAUSED, self.resume_at))
        if self.limit == 0:
            found.append(Bar(Reason.LIMIT_ZERO))
        if download_id in self.permits:
            found.append(Bar(Reason.HAS_PERMIT))
        elif not self.has_room():
            found.append(Bar(Reason.NO_PERMIT))
        if self.hungry_above(lane):
            found.append(Bar(Reason.HIGHER_LANE))
        return found

    def may_take(self, seeker: Seeker) -> bool:
        """Condition of *take*: open, room, no permit of this id, and no higher lane hungry."""
        return not self.bars(seeker.id, seeker.lane)

    def may_swap(self, held: Held, seeker: Seeker) -> bool:
        """Condition of *swap* (and of taking over a lapsed permit).

        The exact old value is in the map, the map is within the limit, the seeker has no other
        permit, no higher lane is hungry, and its own lane is as hungry as the seeker's grantor saw.
        """
        return (
            not self.is_closed
            and self.holds(held)
            and self.limit is not None
            and len(self.permits) <= self.limit
            and (seeker.id == held.id or seeker.id not in self.permits)
            and not self.hungry_above(seeker.lane)
            and seeker.rivals in {None, self.hungry.get(seeker.lane, frozenset())}
        )

    def may_mark(self, download_id: str, lane: Lane) -> bool:
        """Condition of *mark* (rule 5): full, or a higher lane hungry, or the id holds a permit already."""
        full = self.limit is not None and len(self.permits) >= self.limit
        return full or bool(self.hungry_above(lane)) or download_id in self.permits
