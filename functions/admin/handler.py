"""`/v1/admin/…`, and the first keys: an event invoked with IAM, never a route."""

from typing import Any

from cratekeeper import bootstrap
from cratekeeper.api.actions import CreateKey
from cratekeeper.api.edge import Answer, Route
from cratekeeper.api.jobs import JobHistory, TriggerJob
from cratekeeper.api.operating import Everybodys, FailedOnes, Forced, Hours, LimitQueue, PauseQueue, ProcessNow
from cratekeeper.api.parameters import Paged
from cratekeeper.api.people import AuditFilters, AuditQuery, ChangeUser, CreateUser
from cratekeeper.api.request import Request
from cratekeeper.api.views import jobs as job_views
from cratekeeper.api.views import operating
from cratekeeper.api.views import people as views
from cratekeeper.bootstrap import operating as services
from cratekeeper.bootstrap import people, upkeep
from cratekeeper.domain.access import Permission


def pause(request: Request) -> Answer:
    """`POST /v1/admin/queue/pause`."""
    return operating.pause(request, services.queue_control(), bootstrap.queries())


def resume(request: Request) -> Answer:
    """`POST /v1/admin/queue/resume`."""
    return operating.resume(request, services.queue_control(), bootstrap.queries())


def limit(request: Request) -> Answer:
    """`PATCH /v1/admin/queue`."""
    return operating.limit(request, services.queue_control(), bootstrap.queries())


def process(request: Request) -> Answer:
    """`POST /v1/admin/process`."""
    return operating.process(request, services.work_now(), bootstrap.queries())


def downloads(request: Request) -> Answer:
    """`GET /v1/admin/downloads`."""
    return operating.downloads(request, services.overview(), bootstrap.cursors())


def stats(request: Request) -> Answer:
    """`GET /v1/admin/stats`."""
    del request
    return operating.stats(services.overview())


def activity(request: Request) -> Answer:
    """`GET /v1/admin/activity`."""
    return operating.activity(request, services.activity())


def retry(request: Request) -> Answer:
    """`POST /v1/admin/downloads/{id}/retry`."""
    return operating.retry(request, bootstrap.steer(), bootstrap.queries())


def retry_failed(request: Request) -> Answer:
    """`POST /v1/admin/downloads/retry-failed`."""
    return operating.retry_failed(request, services.requeue())


def delete(request: Request) -> Answer:
    """`DELETE /v1/admin/downloads/{id}`."""
    return operating.delete(request, bootstrap.steer())


ROUTES: dict[str, Route] = {
    "GET /v1/admin/stats": Route(stats, Permission.VIEW_ANALYTICS),
    "GET /v1/admin/activity": Route(activity, Permission.VIEW_ANALYTICS, query=Hours),
    "GET /v1/admin/downloads": Route(downloads, Permission.VIEW_ANALYTICS, query=Everybodys),
    "POST /v1/admin/downloads/{id}/retry": Route(retry, Permission.EDIT_CATALOG, query=Forced),
    "POST /v1/admin/downloads/retry-failed": Route(retry_failed, Permission.EDIT_CATALOG, query=FailedOnes),
    "DELETE /v1/admin/downloads/{id}": Route(delete, Permission.EDIT_CATALOG),
    "POST /v1/admin/process": Route(process, Permission.SERVER_ADMIN, body=ProcessNow),
    "POST /v1/admin/queue/pause": Route(pause, Permission.SERVER_ADMIN, body=PauseQueue),
    "POST /v1/admin/queue/resume": Route(resume, Permission.SERVER_ADMIN),
    "PATCH /v1/admin/queue": Route(limit, Permission.SERVER_ADMIN, body=LimitQueue),
}
PEOPLE: dict[str, Route] = {
    "GET /v1/admin/audit": Route(
        lambda it: views.audit(it, people.audit(), bootstrap.cursors()), Permission.VIEW_ANALYTICS, query=AuditFilters
    ),
    "GET /v1/admin/audit/downloads/{download_id}": Route(
        lambda it: views.audit_of_download(it, people.audit(), bootstrap.cursors()),
        Permission.VIEW_ANALYTICS,
        query=AuditQuery,
    ),
    "GET /v1/admin/audit/users/{user_id}": Route(
        lambda it: views.audit_of_user(it, people.audit(), bootstrap.cursors()),
        Permission.VIEW_ANALYTICS,
        query=AuditQuery,
    ),
    "GET /v1/admin/users": Route(
        lambda it: views.users(it, people.users(), bootstrap.cursors()), Permission.SERVER_ADMIN, query=Paged
    ),
    "POST /v1/admin/users": Route(
        lambda it: views.create_user(it, people.users(), bootstrap.idempotency()),
        Permission.SERVER_ADMIN,
        body=CreateUser,
    ),
    "GET /v1/admin/users/{user_id}": Route(lambda it: views.user(it, people.users()), Permission.SERVER_ADMIN),
    "PATCH /v1/admin/users/{user_id}": Route(
        lambda it: views.change_user(it, people.users()), Permission.SERVER_ADMIN, body=ChangeUser
    ),
    "POST /v1/admin/users/{user_id}/keys": Route(
        lambda it: views.create_key(it, people.users(), bootstrap.idempotency()), Permission.SERVER_ADMIN
    ),
    "DELETE /v1/admin/users/{user_id}/keys/{key_id}": Route(
        lambda it: views.revoke_key(it, people.users()), Permission.SERVER_ADMIN
    ),
}
JOBS: dict[str, Route] = {
    "GET /v1/admin/jobs": Route(lambda it: job_views.listed(it, upkeep.jobs()), Permission.SERVER_ADMIN),
    "GET /v1/admin/jobs/{job_id}": Route(lambda it: job_views.one(it, upkeep.jobs()), Permission.SERVER_ADMIN),
    "GET /v1/admin/jobs/{job_id}/history": Route(
        lambda it: job_views.history(it, upkeep.jobs()), Permission.SERVER_ADMIN, query=JobHistory
    ),
    "POST /v1/admin/jobs/{job_id}/trigger": Route(
        lambda it: job_views.trigger(it, upkeep.jobs()), Permission.SERVER_ADMIN, body=TriggerJob
    ),
}
ROUTES |= PEOPLE | JOBS


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda's entry: an HTTP request, or `{"action": "create_key", "user_id": …, "role": user|viewer|admin}`."""
    del context
    if "rawPath" in event:
        return bootstrap.edge(ROUTES).answer(event)
    wanted = CreateKey.of(event)
    made = bootstrap.identity().create_key(wanted.user_id, wanted.role)
    bootstrap.log().info("key_created", user_id=made.user_id, key_id=made.key_id)
    return made._asdict()
