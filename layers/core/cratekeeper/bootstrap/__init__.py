"""The only builder: settings become adapters, adapters become services, each once per process.

Imports are made where a thing is built, so that a function pays at its cold start only for what it
uses: the API has no HTTP client, the dispatcher no media formats.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from cratekeeper.bootstrap import adapters
from cratekeeper.bootstrap.adapters import clock, lanes_by_queue, log, settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cratekeeper.api.cursors import Cursors
    from cratekeeper.api.edge import Edge, Route
    from cratekeeper.domain.models import Download
    from cratekeeper.services.claim import Claims
    from cratekeeper.services.deliver import Deliver
    from cratekeeper.services.dispatch import Dispatch
    from cratekeeper.services.identity import Identity
    from cratekeeper.services.process import Process
    from cratekeeper.services.project import Project, Reconcile
    from cratekeeper.services.queries import Queries
    from cratekeeper.services.release import Release
    from cratekeeper.services.requests import Requests
    from cratekeeper.services.settle import Settle


__all__ = [
    "changes",
    "clock",
    "cursors",
    "deliver",
    "dispatch",
    "edge",
    "identity",
    "lanes_by_queue",
    "log",
    "project",
    "queries",
    "reconcile",
    "requests",
    "settings",
]


@cache
def identity() -> Identity:
    """Callers and keys."""
    from cratekeeper.adapters.dynamodb.identity import DynamoIdentities
    from cratekeeper.services.identity import Identity

    identities = DynamoIdentities(adapters.aws().dynamodb, settings().need("identity_table"))
    return Identity(identities=identities, secrets=adapters.secrets(), clock=clock(), ids=adapters.ids())


@cache
def cursors() -> Cursors:
    """Signed cursors of the lists."""
    from cratekeeper.api.cursors import Cursors

    return Cursors(adapters.secrets().pepper())


def edge(routes: Mapping[str, Route]) -> Edge:
    """The HTTP edge of a function with these routes."""
    from cratekeeper.api.edge import Edge

    return Edge(routes=routes, identity=identity(), clock=clock(), ids=adapters.ids(), log=log())


@cache
def _release() -> Release:
    from cratekeeper.services.candidates import Candidates
    from cratekeeper.services.release import Release

    lease_s = settings().lease_seconds
    candidates = Candidates(store=adapters.store(), permits=adapters.permits(), clock=clock(), lease_s=lease_s)
    return Release(
        candidates=candidates,
        permits=adapters.permits(),
        bell=adapters.bell(),
        clock=clock(),
        log=log(),
        lease_s=lease_s,
    )


@cache
def _settle() -> Settle:
    from cratekeeper.services.settle import Settle

    return Settle(store=adapters.store(), clock=clock())


@cache
def requests() -> Requests:
    """Creating downloads."""
    from cratekeeper.services.requests import Requests

    return Requests(
        store=adapters.store(),
        catalog=adapters.catalog(),
        clock=clock(),
        ids=adapters.ids(),
        log=log(),
        release=_release(),
        limits=settings().user_limits,
        max_retries=settings().max_retries,
        is_configured=bool(settings().provider_url),
        lease_s=settings().lease_seconds,
    )


@cache
def queries() -> Queries:
    """Reading the queue."""
    from cratekeeper.services.queries import Queries

    return Queries(
        store=adapters.store(),
        permits=adapters.permits(),
        history=adapters.history(),
        clock=clock(),
        limits=settings().user_limits,
        capacity=settings().capacity,
    )


@cache
def deliver() -> Deliver:
    """Dealing with messages."""
    from cratekeeper.services.deliver import Deliver

    return Deliver(process=_process(), bell=adapters.bell(), log=log())


@cache
def _claims() -> Claims:
    from cratekeeper.services.claim import Claims

    return Claims(
        store=adapters.store(),
        clock=clock(),
        ids=adapters.ids(),
        release=_release(),
        settle=_settle(),
        capacity=settings().capacity,
        lease_s=settings().lease_seconds,
    )


@cache
def _process() -> Process:
    from cratekeeper.adapters.system import ThreadPulse
    from cratekeeper.services.expand import Expand
    from cratekeeper.services.process import Process
    from cratekeeper.services.transfer import Transfer

    expand = Expand(
        store=adapters.store(),
        catalog=adapters.catalog(),
        provider=adapters.provider(),
        clock=clock(),
        log=log(),
        lease_s=settings().lease_seconds,
    )
    transfer = Transfer(
        store=adapters.store(),
        catalog=adapters.catalog(),
        media=adapters.media(),
        provider=adapters.provider(),
        clock=clock(),
        timeout_s=float(settings().provider_timeout_seconds),
    )
    return Process(
        store=adapters.store(),
        permits=adapters.permits(),
        catalog=adapters.catalog(),
        clock=clock(),
        dice=adapters.dice(),
        pulse=ThreadPulse(),
        log=log(),
        release=_release(),
        settle=_settle(),
        claims=_claims(),
        expand=expand,
        transfer=transfer,
        policy=settings().retry_policy,
        lease_s=settings().lease_seconds,
    )


@cache
def dispatch() -> Dispatch:
    """The backstop."""
    from cratekeeper.services.dispatch import Dispatch

    return Dispatch(
        store=adapters.store(),
        permits=adapters.permits(),
        clock=clock(),
        release=_release(),
        settle=_settle(),
        capacity=settings().capacity,
        lease_s=settings().lease_seconds,
    )


@cache
def project() -> Project:
    """From the stream to history and bus."""
    from cratekeeper.adapters.bus import EventBridgeBus
    from cratekeeper.services.project import Project

    return Project(
        history=adapters.history(), bus=EventBridgeBus(adapters.aws().events, settings().need("event_bus_name"))
    )


def changes(event: Mapping[str, Any]) -> Iterator[tuple[Download | None, Download | None]]:
    """The downloads that a batch of stream records shows, before and after."""
    from cratekeeper.adapters.dynamodb.stream import downloads_in

    return downloads_in(event.get("Records", []), log=log())


@cache
def reconcile() -> Reconcile:
    """Repair of the history after an outage of the stream."""
    from cratekeeper.services.project import Reconcile

    return Reconcile(store=adapters.store(), project=project())
