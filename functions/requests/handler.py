"""`/v1/downloads`, `/v1/limits` and `/v1/queue`: asking for media, acting on downloads, and looking at the queue."""

from typing import Any

from cratekeeper import bootstrap
from cratekeeper.api.bodies import ActOnMany, CreateBatch, SetPriority
from cratekeeper.api.edge import Answer, Route
from cratekeeper.api.parameters import MyDownloads, Paged
from cratekeeper.api.request import Request
from cratekeeper.api.schemas import CreateDownload
from cratekeeper.api.views import creating, reading, steering
from cratekeeper.domain.access import Permission
from cratekeeper.domain.actions import Action


def create(request: Request) -> Answer:
    """`POST /v1/downloads`."""
    return creating.one(request, bootstrap.requests(), bootstrap.queries(), bootstrap.idempotency())


def batch(request: Request) -> Answer:
    """`POST /v1/downloads/batch`."""
    return creating.batch(request, bootstrap.batches(), bootstrap.idempotency())


def act_on_many(request: Request) -> Answer:
    """`POST /v1/downloads/batch-action`."""
    return steering.act_on_many(request, bootstrap.together())


def cancel(request: Request) -> Answer:
    """`POST /v1/downloads/{id}/cancel`."""
    return steering.act(request, Action.CANCEL, bootstrap.steer(), bootstrap.queries())


def pause(request: Request) -> Answer:
    """`POST /v1/downloads/{id}/pause`."""
    return steering.act(request, Action.PAUSE, bootstrap.steer(), bootstrap.queries())


def resume(request: Request) -> Answer:
    """`POST /v1/downloads/{id}/resume`."""
    return steering.act(request, Action.RESUME, bootstrap.steer(), bootstrap.queries())


def retry(request: Request) -> Answer:
    """`POST /v1/downloads/{id}/retry`."""
    return steering.act(request, Action.RETRY, bootstrap.steer(), bootstrap.queries())


def prioritize(request: Request) -> Answer:
    """`POST /v1/downloads/{id}/priority`."""
    return steering.act(request, Action.PRIORITY, bootstrap.steer(), bootstrap.queries())


def mine(request: Request) -> Answer:
    """`GET /v1/downloads`."""
    return reading.mine(request, bootstrap.queries(), bootstrap.cursors())


def one(request: Request) -> Answer:
    """`GET /v1/downloads/{id}`."""
    return reading.one(request, bootstrap.queries())


def children(request: Request) -> Answer:
    """`GET /v1/downloads/{id}/children`."""
    return reading.children(request, bootstrap.queries(), bootstrap.cursors())


def events(request: Request) -> Answer:
    """`GET /v1/downloads/{id}/events`."""
    return reading.events(request, bootstrap.queries(), bootstrap.cursors())


def explain(request: Request) -> Answer:
    """`GET /v1/downloads/{id}/explain`."""
    return steering.explain(request, bootstrap.explain())


def limits(request: Request) -> Answer:
    """`GET /v1/limits`."""
    return reading.limits(request, bootstrap.queries())


def queue(request: Request) -> Answer:
    """`GET /v1/queue`."""
    return reading.queue(request, bootstrap.queries())


ROUTES = {
    "POST /v1/downloads": Route(create, Permission.REQUEST_CONTENT, body=CreateDownload),
    "POST /v1/downloads/batch": Route(batch, Permission.REQUEST_CONTENT, body=CreateBatch),
    "POST /v1/downloads/batch-action": Route(act_on_many, Permission.REQUEST_CONTENT, body=ActOnMany),
    "POST /v1/downloads/{id}/cancel": Route(cancel, Permission.REQUEST_CONTENT),
    "POST /v1/downloads/{id}/pause": Route(pause, Permission.REQUEST_CONTENT),
    "POST /v1/downloads/{id}/resume": Route(resume, Permission.REQUEST_CONTENT),
    "POST /v1/downloads/{id}/retry": Route(retry, Permission.REQUEST_CONTENT),
    "POST /v1/downloads/{id}/priority": Route(prioritize, Permission.REQUEST_CONTENT, body=SetPriority),
    "GET /v1/downloads": Route(mine, Permission.REQUEST_CONTENT, query=MyDownloads),
    "GET /v1/downloads/{id}": Route(one, Permission.REQUEST_CONTENT),
    "GET /v1/downloads/{id}/children": Route(children, Permission.REQUEST_CONTENT, query=Paged),
    "GET /v1/downloads/{id}/events": Route(events, Permission.REQUEST_CONTENT, query=Paged),
    "GET /v1/downloads/{id}/explain": Route(explain, Permission.REQUEST_CONTENT),
    "GET /v1/limits": Route(limits, Permission.REQUEST_CONTENT),
    "GET /v1/queue": Route(queue, Permission.REQUEST_CONTENT),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda's entry."""
    del context
    return bootstrap.edge(ROUTES).answer(event)
