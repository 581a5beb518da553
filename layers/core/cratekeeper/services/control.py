"""Control: pausing, resuming and limiting the queue, and working on it now."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cratekeeper.domain.access import Caller
from cratekeeper.domain.control import Control, Seeker
from cratekeeper.domain.errors import Invalid, Unavailable
from cratekeeper.domain.events import Event, EventType
from cratekeeper.domain.ids import key_of
from cratekeeper.domain.models import Download
from cratekeeper.ports import Clock, DownloadStore, Permits, Worker
from cratekeeper.services.candidates import View
from cratekeeper.services.release import Grant, Release

AT_ONCE: Final = 20
"""Permits granted within an operator's request; the dispatcher's next tick grants the rest."""

PATIENCE_S: Final = 5
"""Seconds that an operator waits for them at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueControl:
    """Orders of operators, each one conditional write that carries its event. A repeated order changes nothing."""

    permits: Permits
    release: Release
    clock: Clock

    def pause(self, *, by: Caller, reason: str | None = None, resume_at: datetime | None = None) -> Control:
        """Nothing new starts, running work finishes; at `resume_at` the dispatcher ends the pause.

        Raises Invalid if `resume_at` is not ahead.
        """
        now = self.clock.now()
        if resume_at is not None:
            resume_at = resume_at.astimezone(UTC).replace(microsecond=resume_at.microsecond // 1000 * 1000)
            if resume_at <= now:
                raise Invalid("resume_at must be in the future", ("body.resume_at", "not in the future"))
        details = {"reason": reason, "resume_at": resume_at.isoformat() if resume_at else None}
        given = {name: value for name, value in details.items() if value is not None}
        event = Event(type=EventType.QUEUE_PAUSED, at=now, actor=by.user_id, details=given)
        return self.permits.pause(event, reason=reason, resume_at=resume_at)

    def resume(self, *, by: Caller) -> Control:
        """Work starts again, and at once."""
        event = Event(type=EventType.QUEUE_RESUMED, at=self.clock.now(), actor=by.user_id)
        return self._used(self.permits.resume(event))

    def limit(self, most: int, *, by: Caller) -> Control:
        """Set `max_concurrent`, 1..1000: a higher one is used at once, a lower one stops nobody."""
        event = Event(
            type=EventType.QUEUE_LIMIT_CHANGED,
            at=self.clock.now(),
            actor=by.user_id,
            details={"max_concurrent": most},
        )
        return self._used(self.permits.set_limit(most, event=event))

    def _used(self, control: Control) -> Control:
        """The control item as ordered; what was granted before is rung again, and free permits are granted."""
        if control.limit is not None and not control.is_closed:
            self.release.ring_granted(control)
            until = self.clock.now() + timedelta(seconds=PATIENCE_S)
            self.release.fill(control, at_most=AT_ONCE, until=until)
        return control


def reopened(control: Control, permits: Permits, now: datetime) -> Control:
    """The control item, after a pause that was to end by now has been ended."""
    if not control.paused or control.resume_at is None or control.resume_at > now:
        return control
    return permits.resume(Event(type=EventType.QUEUE_RESUMED, at=now), due=control.resume_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkNow:
    """`POST /v1/admin/process`: the worker is asked by name for the next waiting work.

    Args:
        window_s: no further item is begun after so many seconds.
    """

    store: DownloadStore
    permits: Permits
    release: Release
    worker: Worker
    clock: Clock
    window_s: float

    def run(self, most: int) -> list[Download]:
        """Have at most `most` (1..10) items worked on, one after the other, in the order of work.

        An item that another worker is quicker to claim is not among them, so that concurrent callers
        share the work. Returns the items as they are afterwards. Raises Unavailable if the worker
        could not be asked for the first of them.
        """
        until = self.clock.now() + timedelta(seconds=self.window_s)
        tried: list[str] = []
        taken: list[str] = []
        while len(taken) < most and self.clock.now() < until:
            grant = self._next(tried)
            if grant is None:
                break
            tried.append(grant.seeker.id)
            try:
                taken += [grant.seeker.id] * self.worker.run(grant.seeker.id)
            except Unavailable:
                self.release.ring(grant.seeker)
                if not taken:
                    raise
                break
        return self._read(taken)

    def _next(self, tried: list[str]) -> Grant | None:
        """The best work that nobody has begun, with a permit of its own; None once all has been tried."""
        control = self.permits.read()
        if control.is_closed:
            return None
        if control.limit is None:
            candidates = self.release.candidates
            seeker = candidates.best(View(control), candidates.entries(control))
            return Grant(seeker, control) if seeker and seeker.id not in tried else None
        waiting = self._granted(control, tried)
        if waiting:
            return waiting
        grant = self.release.next(control)
        if grant and grant.seeker.id in tried:
            self.release.ring(grant.seeker)  # it is due again already: the worker's own affair
            return None
        return grant

    def _granted(self, control: Control, tried: list[str]) -> Grant | None:
        """Who has a permit and was rung, but is not begun."""
        free = [item for item in self.release.candidates.granted(control) if item.id not in tried]
        return Grant(Seeker(free[0].id, free[0].lane, control.permits[free[0].id]), control) if free else None

    def _read(self, ids: list[str]) -> list[Download]:
        found = self.store.get(*map(key_of, ids)) if ids else {}
        return [item for each in ids if isinstance(item := found.get(key_of(each)), Download)]
