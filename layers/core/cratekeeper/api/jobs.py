"""Background jobs in the HTTP contract, and in what their functions answer."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field

from cratekeeper.api.bodies import Body
from cratekeeper.api.parameters import DEFAULT_LIMIT, MOST_LIMIT, Query, Whole
from cratekeeper.api.schemas import Out, Time
from cratekeeper.domain.jobs import Job, Run, RunStatus
from cratekeeper.services.jobs import JobView


class TriggerJob(Body):
    """Body of `POST /v1/admin/jobs/{job_id}/trigger`."""

    params: Annotated[
        dict[str, bool | int],
        Field(
            default_factory=dict,
            description="`integrity_watchdog` knows `dry_run`, `popular_content` knows `days` (1 to 90)",
            max_length=10,
        ),
    ]


class JobHistory(Query):
    """Query of `GET /v1/admin/jobs/{job_id}/history`."""

    limit: Annotated[Whole, Field(ge=1, le=MOST_LIMIT, description="Most runs")] = DEFAULT_LIMIT


class TriggeredOut(Out):
    """Answer of `POST /v1/admin/jobs/{job_id}/trigger`: the run that begins."""

    run_id: str


class RunOut(Out):
    """One run of a job; `triggered_by` is a user, a hook or `schedule`, `result` what the job itself tells."""

    run_id: str
    job_id: str
    started_at: Time
    finished_at: Time | None
    status: RunStatus
    triggered_by: str
    error_message: str | None
    result: dict[str, Any] | None

    @classmethod
    def of(cls, run: Run) -> "RunOut":
        """The answer for the domain's value."""
        return cls(
            run_id=run.id,
            job_id=run.job_id,
            started_at=run.started_at,
            finished_at=run.finished_at,
            status=run.status,
            triggered_by=run.triggered_by,
            error_message=run.error_message,
            result=dict(run.result) if run.result is not None else None,
        )


class JobOut(Out):
    """A job: what begins it, whether it runs, its newest run, and the next scheduled one.

    `next_run_at` is null where there is no schedule, or where nobody can tell: a `rate` is counted from
    the job's last scheduled run.
    """

    id: str
    name: str
    description: str
    schedule: Annotated[str, Field(examples=["rate(1 day), OnStartup"])]
    on_shutdown: Annotated[str, Field(description="What a shutdown may do with a run: `stop` it, or `wait` for it")]
    status: Annotated[str, Field(description="`running` or `idle`")]
    last_run: RunOut | None
    next_run_at: Time | None

    @classmethod
    def of(cls, view: JobView) -> "JobOut":
        """The answer for the service's value."""
        job, last = view.job, view.last_run
        return cls(
            id=job.id,
            name=job.name,
            description=job.description,
            schedule=_begun_by(job),
            on_shutdown=job.on_shutdown.value,
            status="running" if view.is_running else "idle",
            last_run=RunOut.of(last) if last else None,
            next_run_at=view.next_run_at,
        )


def _begun_by(job: Job) -> str:
    return ", ".join([*([job.schedule] if job.schedule else []), *sorted(job.hooks)])


def runs_told(runs: Iterable[Run]) -> dict[str, Any]:
    """What a function answers, and logs: its runs, without their results."""
    return {"runs": [{"job": run.job_id, "run_id": run.id, "status": run.status.value} for run in runs]}
