"""`/v1/downloads`, `/v1/limits` and `/v1/queue`: asking for media, and looking at the queue."""

from http import HTTPStatus
from typing import Any

from cratekeeper import bootstrap
from cratekeeper.api.edge import Answer, Route
from cratekeeper.api.request import Request
from cratekeeper.api.schemas import CreateDownload, DownloadOut, EventOut, LimitsOut, PageOut, QueueOut
from cratekeeper.domain.access import Permission
from cratekeeper.domain.ids import split
from cratekeeper.domain.models import Kind
from cratekeeper.domain.states import State
from cratekeeper.services.queries import Filters


def create(request: Request) -> Answer:
    """`POST /v1/downloads`."""
    wanted = request.body(CreateDownload).wanted()
    item = bootstrap.requests().create(wanted, caller=request.who)
    view = bootstrap.queries().view(item)
    return Answer(
        body=DownloadOut.of(view), status=HTTPStatus.ACCEPTED, headers={"Location": f"/v1/downloads/{item.id}"}
    )


def mine(request: Request) -> Answer:
    """`GET /v1/downloads`."""
    request.only("status", "kind", "active", "limit", "cursor")
    scope = request.scope("status", "kind", "active")
    cursor = request.query.get("cursor")
    page = bootstrap.queries().mine(
        Filters(
            state=request.choice("status", State), kind=request.choice("kind", Kind), active=request.flag("active")
        ),
        caller=request.who,
        after=bootstrap.cursors().decode(cursor, scope=scope),
        limit=request.limit(),
    )
    limits = None if cursor else LimitsOut.of(bootstrap.queries().limits_of(request.who))
    return Answer(
        body=PageOut(
            items=[DownloadOut.of(view) for view in page.views],
            next_cursor=bootstrap.cursors().encode(page.next_after, scope=scope),
            limits=limits,
        )
    )


def one(request: Request) -> Answer:
    """`GET /v1/downloads/{id}`."""
    view = bootstrap.queries().one(request.path["id"], caller=request.who)
    return Answer(body=DownloadOut.of(view), has_etag=True)


def children(request: Request) -> Answer:
    """`GET /v1/downloads/{id}/children`."""
    request.only("limit", "cursor")
    scope = request.scope()
    after = bootstrap.cursors().decode(request.query.get("cursor"), scope=scope)
    page = bootstrap.queries().children(
        request.path["id"],
        caller=request.who,
        after=(split(after)[1] or 0) if after else 0,
        limit=request.limit(),
    )
    return Answer(
        body=PageOut(
            items=[DownloadOut.of(view) for view in page.views],
            next_cursor=bootstrap.cursors().encode(page.next_after, scope=scope),
        )
    )


def events(request: Request) -> Answer:
    """`GET /v1/downloads/{id}/events`."""
    request.only("limit", "cursor")
    scope = request.scope()
    after = bootstrap.cursors().decode(request.query.get("cursor"), scope=scope)
    entries, next_after = bootstrap.queries().events(
        request.path["id"], caller=request.who, after=int(after or 0), limit=request.limit()
    )
    return Answer(
        body=PageOut(
            items=[EventOut.of(entry) for entry in entries],
            next_cursor=bootstrap.cursors().encode(next_after, scope=scope),
        )
    )


def limits(request: Request) -> Answer:
    """`GET /v1/limits`."""
    return Answer(body=LimitsOut.of(bootstrap.queries().limits_of(request.who)))


def queue(request: Request) -> Answer:
    """`GET /v1/queue`."""
    del request
    return Answer(body=QueueOut.of(bootstrap.queries().queue()))


ROUTES = {
    "POST /v1/downloads": Route(create, Permission.REQUEST_CONTENT),
    "GET /v1/downloads": Route(mine, Permission.REQUEST_CONTENT),
    "GET /v1/downloads/{id}": Route(one, Permission.REQUEST_CONTENT),
    "GET /v1/downloads/{id}/children": Route(children, Permission.REQUEST_CONTENT),
    "GET /v1/downloads/{id}/events": Route(events, Permission.REQUEST_CONTENT),
    "GET /v1/limits": Route(limits, Permission.REQUEST_CONTENT),
    "GET /v1/queue": Route(queue, Permission.REQUEST_CONTENT),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda's entry."""
    del context
    return bootstrap.edge(ROUTES).answer(event)
