"""The control item in memory."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cratekeeper.domain.control import NO_MARKS, Control, Held, Marks, Permit, Seeker
from cratekeeper.domain.errors import PermitRefused
from cratekeeper.domain.events import Event
from cratekeeper.domain.lanes import Lane
from tests.memory.calls import Calls, fault_point
from tests.memory.table import Table


@dataclass(slots=True)
class MemoryPermits:
    """Conditional writes of the table's control item: the reading of `Control.may_*`."""

    table: Table
    calls: Calls = field(default_factory=Calls)
    port: str = "permits"

    @fault_point
    def read(self) -> Control:
        return self.table.control

    @fault_point
    def take(self, seeker: Seeker, *, limit: int) -> Control:
        control = self.table.control
        if control.permits.get(seeker.id) == seeker.permit:
            return control
        if control.limit != limit or not control.may_take(seeker):
            raise PermitRefused(control)
        return self._granted(seeker, without=None)

    @fault_point
    def swap(self, held: Held, seeker: Seeker, *, limit: int) -> Control:
        control = self.table.control
        if control.permits.get(seeker.id) == seeker.permit and not control.holds(held):
            return control
        if control.limit != limit or not control.may_swap(held, seeker):
            raise PermitRefused(control)
        return self._granted(seeker, without=held.id)

    @fault_point
    def drop(self, *held: Held, marks: Marks = NO_MARKS) -> Control:
        control = self.table.control
        gone = {each.id for each in held if control.holds(each)}
        if not gone and not marks:
            return control
        hungry = {lane: ids - marks.get(lane, frozenset()) for lane, ids in control.hungry.items()}
        return self._put(
            permits={each: permit for each, permit in control.permits.items() if each not in gone},
            hungry={lane: ids for lane, ids in hungry.items() if ids},
        )

    @fault_point
    def renew(self, held: Held, *, until: datetime) -> Control:
        control = self.table.control
        renewed = held.permit._replace(until=until)
        if control.permits.get(held.id) == renewed:
            return control
        if not control.holds(held):
            raise PermitRefused(control)
        return self._put(permits={**control.permits, held.id: renewed})

    @fault_point
    def mark(self, download_id: str, lane: Lane, *, limit: int) -> Control:
        control = self.table.control
        if control.limit != limit or not control.may_mark(download_id, lane):
            raise PermitRefused(control)
        ids = control.hungry.get(lane, frozenset()) | {download_id}
        return self._put(hungry={**control.hungry, lane: ids})

    @fault_point
    def unmark(self, ids: Iterable[str], lane: Lane) -> Control:
        return self._put(hungry=self._fed(frozenset(ids), lane))

    @fault_point
    def pause(self, event: Event, *, reason: str | None, resume_at: datetime | None) -> Control:
        if self.table.control.paused:
            return self.table.control
        return self._ordered(event, paused=True, paused_reason=reason, paused_by=event.actor, resume_at=resume_at)

    @fault_point
    def resume(self, event: Event, *, due: datetime | None = None) -> Control:
        control = self.table.control
        if not control.paused or (due is not None and control.resume_at != due):
            return control
        return self._ordered(event, paused=False, paused_reason=None, paused_by=None, resume_at=None)

    @fault_point
    def set_limit(self, limit: int, *, event: Event) -> Control:
        return self.table.control if self.table.control.limit == limit else self._ordered(event, limit=limit)

    def _ordered(self, event: Event, **fields: Any) -> Control:
        control = self.table.control
        self.table.control = replace(control, seq=control.seq + 1, event=event, **fields)
        self.table.orders.append(self.table.control)
        self.table.tell(())
        return self.table.control

    def _granted(self, seeker: Seeker, *, without: str | None) -> Control:
        permits = {each: permit for each, permit in self.table.control.permits.items() if each != without}
        permits[seeker.id] = seeker.permit
        return self._put(permits=permits, hungry=self._fed(frozenset({seeker.id}), seeker.lane))

    def _fed(self, ids: frozenset[str], lane: Lane) -> dict[Lane, frozenset[str]]:
        """The hungry ids without those of one lane; an empty set is no set."""
        hungry = {**self.table.control.hungry}
        hungry[lane] = hungry.get(lane, frozenset()) - ids
        return {each: left for each, left in hungry.items() if left}

    def _put(
        self,
        *,
        permits: Mapping[str, Permit] | None = None,
        hungry: Mapping[Lane, frozenset[str]] | None = None,
    ) -> Control:
        control = self.table.control
        self.table.control = replace(
            control,
            permits=control.permits if permits is None else permits,
            hungry=control.hungry if hungry is None else hungry,
        )
        self.table.tell(())
        return self.table.control
