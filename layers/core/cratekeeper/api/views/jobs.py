"""Background jobs as operators see them."""

from http import HTTPStatus

from cratekeeper.api.edge import Answer
from cratekeeper.api.jobs import JobHistory, JobOut, RunOut, TriggeredOut, TriggerJob
from cratekeeper.api.request import Request
from cratekeeper.api.schemas import PageOut
from cratekeeper.services.jobs import Jobs


def listed(request: Request, jobs: Jobs) -> Answer:
    """`GET /v1/admin/jobs`."""
    del request
    return Answer(body=PageOut[JobOut](items=[JobOut.of(view) for view in jobs.all()], next_cursor=None))


def one(request: Request, jobs: Jobs) -> Answer:
    """`GET /v1/admin/jobs/{job_id}`."""
    return Answer(body=JobOut.of(jobs.one(request.path["job_id"])))


def history(request: Request, jobs: Jobs) -> Answer:
    """`GET /v1/admin/jobs/{job_id}/history`."""
    runs = jobs.history(request.path["job_id"], limit=request.params(JobHistory).limit)
    return Answer(body=PageOut[RunOut](items=[RunOut.of(run) for run in runs], next_cursor=None))


def trigger(request: Request, jobs: Jobs) -> Answer:
    """`POST /v1/admin/jobs/{job_id}/trigger`."""
    run = jobs.trigger(request.path["job_id"], request.body(TriggerJob).params, by=request.who)
    return Answer(body=TriggeredOut(run_id=run.id), status=HTTPStatus.ACCEPTED)
