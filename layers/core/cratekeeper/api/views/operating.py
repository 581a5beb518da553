"""What operators do and see: the queue, everybody's downloads, activity and statistics."""

from http import HTTPStatus

from cratekeeper.api.cursors import Cursors
from cratekeeper.api.edge import Answer
from cratekeeper.api.operating import (
    ActivityOut,
    Everybodys,
    FailedOnes,
    Forced,
    Hours,
    LimitQueue,
    PauseQueue,
    ProcessedOut,
    ProcessNow,
    RequeuedOut,
    StatsOut,
)
from cratekeeper.api.request import Request
from cratekeeper.api.schemas import DownloadOut, PageOut, QueueOut
from cratekeeper.services.activity import ActivityReport
from cratekeeper.services.control import QueueControl, WorkNow
from cratekeeper.services.overview import Overview
from cratekeeper.services.queries import Queries
from cratekeeper.services.requeue import Requeue
from cratekeeper.services.steer import Steer


def pause(request: Request, control: QueueControl, queries: Queries) -> Answer:
    """`POST /v1/admin/queue/pause`."""
    wanted = request.body(PauseQueue)
    control.pause(by=request.who, reason=wanted.reason, resume_at=wanted.resume_at)
    return _queue(queries)


def resume(request: Request, control: QueueControl, queries: Queries) -> Answer:
    """`POST /v1/admin/queue/resume`."""
    control.resume(by=request.who)
    return _queue(queries)


def limit(request: Request, control: QueueControl, queries: Queries) -> Answer:
    """`PATCH /v1/admin/queue`."""
    control.limit(request.body(LimitQueue).max_concurrent, by=request.who)
    return _queue(queries)


def process(request: Request, work: WorkNow, queries: Queries) -> Answer:
    """`POST /v1/admin/process`."""
    items = work.run(request.body(ProcessNow).max)
    return Answer(body=ProcessedOut(processed=[DownloadOut.of(view) for view in queries.views(items)]))


def downloads(request: Request, overview: Overview, cursors: Cursors) -> Answer:
    """`GET /v1/admin/downloads`."""
    wanted = request.params(Everybodys)
    scope = request.scope()
    page = overview.downloads(wanted.search, after=cursors.decode(wanted.cursor, scope=scope), limit=wanted.limit)
    return Answer(
        body=PageOut[DownloadOut](
            items=[DownloadOut.of(view) for view in page.views],
            next_cursor=cursors.encode(page.next_after, scope=scope),
        )
    )


def stats(overview: Overview) -> Answer:
    """`GET /v1/admin/stats`."""
    return Answer(body=StatsOut.of(overview.stats()))


def activity(request: Request, report: ActivityReport) -> Answer:
    """`GET /v1/admin/activity`."""
    return Answer(body=ActivityOut.of(report.hourly(request.params(Hours).hours), now=report.clock.now()))


def retry(request: Request, steer: Steer, queries: Queries) -> Answer:
    """`POST /v1/admin/downloads/{id}/retry`."""
    item = steer.retry(request.path["id"], caller=request.who, force=request.params(Forced).force)
    return Answer(body=DownloadOut.of(queries.view(item)))


def retry_failed(request: Request, requeue: Requeue) -> Answer:
    """`POST /v1/admin/downloads/retry-failed`."""
    done = requeue.run(request.params(FailedOnes).search, by=request.who)
    body = RequeuedOut(requeued=done.requeued, skipped=done.skipped or None, more=done.more or None)
    return Answer(body=body)


def delete(request: Request, steer: Steer) -> Answer:
    """`DELETE /v1/admin/downloads/{id}`."""
    steer.delete(request.path["id"], caller=request.who)
    return Answer(body=None, status=HTTPStatus.NO_CONTENT)


def _queue(queries: Queries) -> Answer:
    """The queue as it is after an order, like `GET /v1/queue`."""
    return Answer(body=QueueOut.of(queries.queue()))
