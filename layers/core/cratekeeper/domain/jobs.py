"""Background jobs: the registry, and what a run of one is.

To add one: an entry here, a service in `bootstrap.upkeep.works`, and the rule of its schedule in
template.yaml (a fact test compares the two).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from cratekeeper.domain.popularity import LONGEST_DAYS

Values = Mapping[str, Any]
"""A JSON object: parameters, results and progress of runs."""

STOPPED: Final = "the run stopped before its end: its process was ended, or gave no sign of life"
"""What the history says of a run whose lease lapsed."""

BY_SCHEDULE: Final = "schedule"
"""`triggered_by` of a run that a schedule began; hooks give their own name."""


class Hook(StrEnum):
    """What may begin a job beside its schedule."""

    ON_STARTUP = "OnStartup"
    ON_CATALOG_CHANGE = "OnCatalogChange"
    ON_USER_CREATED = "OnUserCreated"
    ON_DOWNLOAD_COMPLETE = "OnDownloadComplete"


class Shutdown(StrEnum):
    """What a shutdown may do with a running job."""

    STOP = "stop"
    """End it at any point: its steps are whole in themselves, and the next run does the rest."""
    WAIT = "wait"
    """Let it end first: half of it is worse than none."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A parameter that is true or false."""

    def fault(self, value: object) -> str | None:
        """What is wrong with the value, None = nothing."""
        return None if isinstance(value, bool) else "neither true nor false"


@dataclass(frozen=True, slots=True)
class Whole:
    """A parameter that is a whole number from `least` to `most`."""

    least: int
    most: int

    def fault(self, value: object) -> str | None:
        """What is wrong with the value, None = nothing."""
        is_fit = type(value) is int and self.least <= value <= self.most
        return None if is_fit else f"not a whole number from {self.least} to {self.most}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A kind of background work.

    Args:
        id: as in the HTTP contract.
        name: for people.
        description: for people, one sentence.
        schedule: expression of EventBridge, None = not scheduled; the watchdog's is a setting.
        hooks: what begins it as well.
        hook_gap: a hook begins no run within so much time of the last one's beginning.
        params: the parameters that a trigger may bring, and what each may be.
        on_shutdown: what a shutdown may do with it.
    """

    id: str
    name: str
    description: str
    schedule: str | None
    hooks: frozenset[Hook] = frozenset()
    hook_gap: timedelta = timedelta(minutes=10)
    params: Mapping[str, Flag | Whole] = field(default_factory=dict)
    on_shutdown: Shutdown = Shutdown.STOP

    def fault(self, name: str, value: object) -> str | None:
        """What is wrong with a trigger that brings this parameter, None = nothing."""
        known = self.params.get(name)
        return known.fault(value) if known else f"{self.id} has no such parameter"


WATCHDOG: Final = "integrity_watchdog"

JOBS: Final[Mapping[str, Job]] = MappingProxyType({
    job.id: job
    for job in (
        Job(
            id=WATCHDOG,
            name="Integrity watchdog",
            description="Compares the stored media with the catalog and queues repairs of what is missing or cut.",
            schedule="rate(1 day)",
            hooks=frozenset({Hook.ON_STARTUP}),
            params={"dry_run": Flag()},
        ),
        Job(
            id="stale_in_progress",
            name="Stale work",
            description="Counts work that has been running for too long, and warns; it changes no download.",
            schedule="rate(5 minutes)",
            hooks=frozenset({Hook.ON_DOWNLOAD_COMPLETE}),
            hook_gap=timedelta(minutes=4),
        ),
        Job(
            id="popular_content",
            name="Popular content",
            description="Counts the recorded plays and stores what is played most.",
            schedule="rate(1 hour)",
            hooks=frozenset({Hook.ON_CATALOG_CHANGE}),
            params={"days": Whole(1, LONGEST_DAYS)},
        ),
        Job(
            id="audit_retention",
            name="Audit retention",
            description="Removes history older than the retention that no time to live has removed.",
            schedule="rate(1 day)",
        ),
        Job(
            id="usage_reconcile",
            name="Usage reconciliation",
            description="Recomputes the users' active downloads, locks and permits, repairs them and reports drift.",
            schedule="rate(12 hours)",
            hooks=frozenset({Hook.ON_STARTUP, Hook.ON_USER_CREATED}),
        ),
        Job(
            id="abandoned_uploads",
            name="Abandoned uploads",
            description="Aborts multipart uploads that no active download goes on with.",
            schedule="rate(1 day)",
        ),
    )
})
"""Every job by its id, in the order in which they are listed."""


def hooked(hook: Hook) -> tuple[Job, ...]:
    """The jobs that a hook begins."""
    return tuple(job for job in JOBS.values() if hook in job.hooks)


class RunStatus(StrEnum):
    """How a run stands; the values are those of the HTTP contract."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a job. `id` is a ULID, so that runs sort by age; `triggered_by` a user, a hook or BY_SCHEDULE."""

    id: str
    job_id: str
    started_at: datetime
    triggered_by: str
    params: Values = field(default_factory=dict)
    status: RunStatus = RunStatus.RUNNING
    finished_at: datetime | None = None
    error_message: str | None = None
    result: Values | None = None

    @property
    def is_by_a_user(self) -> bool:
        """Whether a person began it."""
        return self.triggered_by not in {BY_SCHEDULE, *Hook}

    def completed(self, result: Values, *, now: datetime) -> "Run":
        """The run at its end."""
        return replace(self, status=RunStatus.COMPLETED, finished_at=now, result=result)

    def failed(self, message: str, *, now: datetime) -> "Run":
        """The run at its bad end."""
        return replace(self, status=RunStatus.FAILED, finished_at=now, error_message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLease:
    """The right to run a job, of which there is one a job.

    Args:
        run: the run that it is for.
        until: when it lapses; then the run counts as stopped.
        owner: nonce of the process that runs it; None = nobody yet, or between two invocations.
        progress: how far a run has come that takes several invocations.
    """

    run: Run
    until: datetime
    owner: str | None = None
    progress: Values | None = None

    def is_lapsed(self, now: datetime) -> bool:
        """Whether its run has stopped without a word."""
        return self.until < now


@dataclass(frozen=True, slots=True)
class JobState:
    """A job as it stands: its lease if it is running, and its ended runs, newest first."""

    lease: JobLease | None
    ended: tuple[Run, ...]

    def runs(self, now: datetime) -> tuple[Run, ...]:
        """All known runs, newest first; one whose lease has lapsed has failed, whether that is written or not."""
        if self.lease is None:
            return self.ended
        lapsed = self.lease.is_lapsed(now)
        return (self.lease.run.failed(STOPPED, now=self.lease.until) if lapsed else self.lease.run, *self.ended)
