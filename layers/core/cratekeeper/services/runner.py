"""Runs of jobs: one at a time per job by a lease, over several invocations if need be, and never forgotten."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from cratekeeper.domain.errors import CratekeeperError, NotFound, RunLost, Unavailable
from cratekeeper.domain.jobs import BY_SCHEDULE, JOBS, STOPPED, Hook, JobLease, Run, Values, hooked
from cratekeeper.domain.metrics import JOB_RUNS, Measure
from cratekeeper.domain.text import safe_line
from cratekeeper.ports import Clock, Ids, Log, Metrics, Pulse
from cratekeeper.ports.upkeep import JobRecords, Starter

START_S: Final = 300
"""How long a process that was asked for may take to begin; Lambda may hold an asynchronous event back."""

BEATS: Final = 3
"""Heartbeats per lease."""


class More(NamedTuple):
    """A run that goes on in another process, from this progress."""

    progress: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One of: a scheduled job, a run to begin or go on with, a hook; or to mark all runs as stopped."""

    job_id: str = ""
    run_id: str | None = None
    hook: Hook | None = None
    all_have_stopped: bool = False


@dataclass(slots=True, kw_only=True)
class Task:
    """A run as its work sees it.

    Args:
        lease: as held; a heartbeat beside the work moves its end on.
        deadline: when the work is to stop, and hand over what is left.
    """

    records: JobRecords
    clock: Clock
    lease: JobLease
    deadline: datetime
    lease_s: int
    is_lost: bool = False

    @property
    def run(self) -> Run:
        """Which run it is."""
        return self.lease.run

    @property
    def progress(self) -> Values | None:
        """What an earlier process handed over."""
        return self.lease.progress

    def goes_on(self) -> bool:
        """Whether there is time for another step. Raises RunLost if the run is not ours any more."""
        if self.is_lost:
            raise RunLost(self.run.id)
        return self.clock.now() < self.deadline

    def beat(self) -> float | None:
        """Extend the lease; the seconds until the next beat, None once it is lost."""
        now = self.clock.now()
        after = replace(self.lease, until=now + timedelta(seconds=self.lease_s))
        try:
            self.is_lost = self.lease.is_lapsed(now) or not self.swap(after)
        except Unavailable:
            return 1.0  # sooner than usual: the lease still holds
        if self.is_lost:
            return None
        self.lease = after
        return self.lease_s / BEATS

    def swap(self, after: JobLease | None, *, ended: Run | None = None) -> bool:
        """Replace the lease while it is ours; its end may be another than we know, if an answer was lost (I6)."""
        if self.records.swap(self.run.job_id, self.lease, after, ended=ended):
            return True
        found = self.records.read(self.run.job_id, runs=0).lease
        if found is None or (found.run.id, found.owner) != (self.run.id, self.lease.owner):
            return False
        return self.records.swap(self.run.job_id, found, after, ended=ended)


Work = Callable[[Task], Values | More]
"""What a job does; the result is a JSON object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Runs jobs in this process.

    Args:
        works: what each job does that this function runs; the others are started elsewhere.
        lease_s: after so many seconds without a heartbeat a run counts as stopped.
    """

    records: JobRecords
    starter: Starter
    clock: Clock
    ids: Ids
    pulse: Pulse
    log: Log
    metrics: Metrics
    works: Mapping[str, Callable[[], Work]]
    lease_s: int

    def run(self, order: Order, *, deadline: datetime) -> list[Run]:
        """Carry an order out; the runs that it began, ended or marked, as they stand then. Raises NotFound."""
        if order.hook:
            return self.hooked(order.hook, deadline=deadline)
        if order.all_have_stopped:
            return self.reap(all_have_stopped=True)
        if order.run_id:
            run = self.ordered(order.job_id, order.run_id, deadline=deadline)
            return [run] if run else []
        run = self.scheduled(order.job_id, deadline=deadline)
        return [*self.reap(), *([run] if run else [])]

    def scheduled(self, job_id: str, *, deadline: datetime) -> Run | None:
        """Run the job, unless it is running. Returns the run as it stands then. Raises NotFound."""
        lease = self._begun(job_id, BY_SCHEDULE)
        return self._worked(lease, deadline) if lease else None

    def hooked(self, hook: Hook, *, deadline: datetime) -> list[Run]:
        """Begin every job of the hook that is not running and did not begin a moment ago."""
        begun = [lease for job in hooked(hook) if (lease := self._begun(job.id, hook.value, gap=job.hook_gap))]
        found = [self._handed(lease) or self._worked(lease, deadline) for lease in begun]
        return [run for run in found if run]

    def ordered(self, job_id: str, run_id: str, *, deadline: datetime) -> Run | None:
        """Begin a run that somebody triggered, or go on with one; None if it is nobody's to begin any more."""
        lease = self._state(job_id)
        if lease is None or lease.run.id != run_id or lease.owner:
            return None
        taken = self._mine(lease)
        return self._worked(taken, deadline) if self.records.swap(job_id, lease, taken) else None

    def reap(self, *, all_have_stopped: bool = False) -> list[Run]:
        """Mark runs as failed whose process gave no sign of life; or all, after the machine itself stopped."""
        now, found = self.clock.now(), []
        for job_id in JOBS:
            lease = self._state(job_id)
            if lease and (all_have_stopped or lease.is_lapsed(now)):
                run = lease.run.failed(STOPPED, now=min(now, lease.until))
                if self.records.swap(job_id, lease, None, ended=run):
                    self._tell(run)
                    found.append(run)
        return found

    def _state(self, job_id: str) -> JobLease | None:
        return self.records.read(job_id, runs=0).lease

    def _mine(self, lease: JobLease) -> JobLease:
        until = self.clock.now() + timedelta(seconds=self.lease_s)
        return replace(lease, owner=self.ids.nonce(), until=until)

    def _begun(self, job_id: str, by: str, *, gap: timedelta | None = None) -> JobLease | None:
        """The lease of a new run; None while another one runs, or began within the gap."""
        if job_id not in JOBS:
            raise NotFound("no such job")
        now, state = self.clock.now(), self.records.read(job_id, runs=1)
        runs = state.runs(now)
        if gap and runs and now - runs[0].started_at < gap:
            return None
        run = Run(id=self.ids.download(now), job_id=job_id, started_at=now, triggered_by=by)
        return begin(self.records, state.lease, self._mine(JobLease(run=run, until=now)), now=now)

    def _handed(self, lease: JobLease) -> Run | None:
        """Have another function run the job if this one cannot."""
        if lease.run.job_id in self.works:
            return None
        waiting = replace(lease, owner=None, until=self.clock.now() + timedelta(seconds=START_S))
        if self.records.swap(lease.run.job_id, lease, waiting):
            self.starter.start(lease.run.job_id, lease.run.id)
        return lease.run

    def _worked(self, lease: JobLease, deadline: datetime) -> Run | None:
        """Do the work under a heartbeat and write down how it ended. A bug is written down, and flies on."""
        task = Task(records=self.records, clock=self.clock, lease=lease, deadline=deadline, lease_s=self.lease_s)
        try:
            with self.pulse.beating(task.beat, first_s=self.lease_s / BEATS):
                found = self.works[lease.run.job_id]()(task)
        except RunLost:
            return None
        except CratekeeperError as error:
            return self._ended(task, lease.run.failed(safe_line(str(error)), now=self.clock.now()))
        except Exception as error:
            said = safe_line(f"{type(error).__name__}: {error}")
            self._ended(task, lease.run.failed(said, now=self.clock.now()))
            raise
        if isinstance(found, More):
            return self._parked(task, found)
        return self._ended(task, lease.run.completed(found, now=self.clock.now()))

    def _ended(self, task: Task, run: Run) -> Run | None:
        """The run as it ended; None if its lease lapsed before: then it counts as stopped."""
        if not task.swap(None, ended=run):
            return None
        self._tell(run)
        return run

    def _parked(self, task: Task, found: More) -> Run | None:
        """Hand over to another process."""
        until = self.clock.now() + timedelta(seconds=START_S)
        waiting = replace(task.lease, owner=None, until=until, progress=found.progress)
        if not task.swap(waiting):
            return None
        self.starter.start(task.run.job_id, task.run.id)
        return task.run

    def _tell(self, run: Run) -> None:
        ended = run.finished_at or run.started_at
        duration_ms = (ended - run.started_at) // timedelta(milliseconds=1)
        self.metrics.emit(Measure(JOB_RUNS, [1], {"Job": run.job_id, "Result": run.status.value}))
        tell = self.log.warning if run.error_message else self.log.info
        tell(
            "job_run",
            job=run.job_id,
            run_id=run.id,
            status=run.status.value,
            duration_ms=duration_ms,
            error=run.error_message,
        )


def begin(records: JobRecords, seen: JobLease | None, lease: JobLease, *, now: datetime) -> JobLease | None:
    """Take the job for a new run: if nobody has it, or in place of a run that stopped, which is written down."""
    if seen and not seen.is_lapsed(now):
        return None
    stopped = seen.run.failed(STOPPED, now=seen.until) if seen else None
    return lease if records.swap(lease.run.job_id, seen, lease, ended=stopped) else None
