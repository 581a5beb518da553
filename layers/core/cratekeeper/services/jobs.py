"""Jobs as operators see them: what there is, how it went, and beginning one now."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from cratekeeper.domain.access import Caller
from cratekeeper.domain.errors import Invalid, JobRunning, NotFound, Unavailable
from cratekeeper.domain.jobs import BY_SCHEDULE, JOBS, WATCHDOG, Job, JobLease, Run, RunStatus
from cratekeeper.domain.schedules import next_run
from cratekeeper.ports import Clock, Ids
from cratekeeper.ports.upkeep import JobRecords, Starter
from cratekeeper.services.runner import START_S, begin

NEWEST = 20
"""Runs among which the last scheduled one is looked for."""


class JobView(NamedTuple):
    """A job with its newest run and its next scheduled one; None = never, or not known."""

    job: Job
    last_run: Run | None
    next_run_at: datetime | None

    @property
    def is_running(self) -> bool:
        """Whether a run is under way."""
        return self.last_run is not None and self.last_run.status is RunStatus.RUNNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """Overviews and orders.

    Args:
        watchdog_schedule: when the watchdog runs: the only schedule that is a setting.
    """

    records: JobRecords
    starter: Starter
    clock: Clock
    ids: Ids
    watchdog_schedule: str

    def all(self) -> list[JobView]:
        """Every job: one Query each."""
        return [self.one(job_id) for job_id in JOBS]

    def one(self, job_id: str) -> JobView:
        """One job. Raises NotFound."""
        job, now = self._job(job_id), self.clock.now()
        runs = self.records.read(job_id, runs=NEWEST).runs(now)
        scheduled = next((run.started_at for run in runs if run.triggered_by == BY_SCHEDULE), None)
        return JobView(job, runs[0] if runs else None, next_run(job.schedule, now=now, last=scheduled))

    def history(self, job_id: str, *, limit: int) -> list[Run]:
        """The newest `limit` runs, newest first. Raises NotFound."""
        self._job(job_id)
        return list(self.records.read(job_id, runs=limit).runs(self.clock.now())[:limit])

    def trigger(self, job_id: str, params: Mapping[str, Any], *, by: Caller) -> Run:
        """Have a run begin in a process of its own.

        Raises NotFound, Invalid (a parameter that the job does not know, or not so), JobRunning, Unavailable.
        """
        job, now = self._job(job_id), self.clock.now()
        faults = [(f"body.params.{name}", job.fault(name, value)) for name, value in params.items()]
        wrong = [(place, fault) for place, fault in faults if fault]
        if wrong:
            raise Invalid("; ".join(f"{place}: {fault}" for place, fault in wrong), *wrong)
        run = Run(id=self.ids.download(now), job_id=job_id, started_at=now, triggered_by=by.user_id, params=params)
        lease = JobLease(run=run, until=now + timedelta(seconds=START_S))
        seen = self.records.read(job_id, runs=0).lease
        if begin(self.records, seen, lease, now=now) is None:
            raise JobRunning(job_id)
        try:
            self.starter.start(job_id, run.id)
        except Unavailable as error:
            self.records.swap(job_id, lease, None, ended=run.failed(f"not begun: {error}", now=self.clock.now()))
            raise
        return run

    def _job(self, job_id: str) -> Job:
        """The job as it is deployed."""
        job = JOBS.get(job_id)
        if job is None:
            raise NotFound("no such job")
        return replace(job, schedule=self.watchdog_schedule) if job_id == WATCHDOG else job
