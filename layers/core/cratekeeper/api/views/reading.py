"""Looking at downloads, limits and the queue."""

from cratekeeper.api.cursors import Cursors
from cratekeeper.api.edge import Answer
from cratekeeper.api.parameters import MyDownloads, Paged
from cratekeeper.api.request import Request
from cratekeeper.api.schemas import DownloadOut, EventOut, LimitsOut, PageOut, QueueOut
from cratekeeper.domain.ids import split
from cratekeeper.services.queries import Filters, Queries


def mine(request: Request, queries: Queries, cursors: Cursors) -> Answer:
    """`GET /v1/downloads`."""
    wanted, scope = request.params(MyDownloads), request.scope()
    page = queries.mine(
        Filters(state=wanted.status, kind=wanted.kind, active=wanted.active),
        caller=request.who,
        after=cursors.decode(wanted.cursor, scope=scope),
        limit=wanted.limit,
    )
    return Answer(
        body=PageOut(
            items=[DownloadOut.of(view) for view in page.views],
            next_cursor=cursors.encode(page.next_after, scope=scope),
            limits=None if wanted.cursor else LimitsOut.of(queries.limits_of(request.who)),
        )
    )


def one(request: Request, queries: Queries) -> Answer:
    """`GET /v1/downloads/{id}`."""
    return Answer(body=DownloadOut.of(queries.one(request.path["id"], caller=request.who)), has_etag=True)


def children(request: Request, queries: Queries, cursors: Cursors) -> Answer:
    """`GET /v1/downloads/{id}/children`."""
    wanted, scope = request.params(Paged), request.scope()
    after = cursors.decode(wanted.cursor, scope=scope)
    page = queries.children(
        request.path["id"],
        caller=request.who,
        after=(split(after)[1] or 0) if after else 0,
        limit=wanted.limit,
    )
    return Answer(
        body=PageOut(
            items=[DownloadOut.of(view) for view in page.views],
            next_cursor=cursors.encode(page.next_after, scope=scope),
        )
    )


def events(request: Request, queries: Queries, cursors: Cursors) -> Answer:
    """`GET /v1/downloads/{id}/events`."""
    wanted, scope = request.params(Paged), request.scope()
    after = cursors.decode(wanted.cursor, scope=scope)
    entries, next_after = queries.events(
        request.path["id"], caller=request.who, after=int(after or 0), limit=wanted.limit
    )
    return Answer(
        body=PageOut(
            items=[EventOut.of(entry) for entry in entries], next_cursor=cursors.encode(next_after, scope=scope)
        )
    )


def limits(request: Request, queries: Queries) -> Answer:
    """`GET /v1/limits`."""
    return Answer(body=LimitsOut.of(queries.limits_of(request.who)))


def queue(request: Request, queries: Queries) -> Answer:
    """`GET /v1/queue`."""
    del request
    return Answer(body=QueueOut.of(queries.queue()))
