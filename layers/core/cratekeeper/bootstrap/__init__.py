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
    from cratekeeper.services.batches import Batches
    from cratekeeper.services.claim import Claims
    from cratekeeper.services.deliver import Deliver
    from cratekeeper.services.discovery import Discovery
    from cratekeeper.services.dispatch import Dispatch
    from cratekeeper.services.explain import Explain
    from cratekeeper.services.gauges import Gauges
    from cratekeeper.services.idempotency import Idempotency
    from cratekeeper.services.identity import Identity
    from cratekeeper.services.presence import Presence
    from cratekeeper.services.process import Process
    from cratekeeper.services.project import Project, Reconcile, Seen
    from cratekeeper.services.queries import Queries
    from cratekeeper.services.release import Release
    from cratekeeper.services.requests import Requests
    from cratekeeper.services.settle import Settle
    from cratekeeper.services.steer import Steer
    from cratekeeper.services.together import Together


__all__ = [
    "batches",
    "changes",
    "clock",
    "cursors",
    "deliver",
    "discovery",
    "dispatch",
    "edge",
    "explain",
    "gauges",
    "idempotency",
    "identity",
    "lanes_by_queue",
    "log",
    "process",
    "project",
    "queries",
    "reconcile",
    "release",
    "requests",
    "settings",
    "steer",
    "together",
]


@cache
def identity() -> Identity:
    """Callers and keys."""
    from cratekeeper.services.identity import Identity

    return Identity(
        identities=adapters.identities(),
        secrets=adapters.secrets(),
        clock=clock(),
        ids=adapters.ids(),
        tokens=adapters.tokens() if settings().oidc_issuer else None,
    )


@cache
def cursors() -> Cursors:
    """Signed cursors of the lists."""
    from cratekeeper.api.cursors import Cursors

    return Cursors(adapters.secrets().pepper())


def edge(routes: Mapping[str, Route]) -> Edge:
    """The HTTP edge of a function with these routes."""
    from cratekeeper.api.edge import Edge

    return Edge(
        routes=routes, identity=identity(), clock=clock(), ids=adapters.ids(), log=log(), metrics=adapters.metrics()
    )


@cache
def release() -> Release:
    """Who may run next."""
    from cratekeeper.services.candidates import Candidates
    from cratekeeper.services.release import Release

    lease_s = settings().lease_seconds
    candidates = Candidates(
        store=adapters.store(),
        permits=adapters.permits(),
        clock=clock(),
        lease_s=lease_s,
        is_configured=bool(settings().provider_url),
    )
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
def steer() -> Steer:
    """Cancel, pause, resume, retry, priority, delete."""
    from cratekeeper.services.collect import Collect
    from cratekeeper.services.steer import Steer

    return Steer(
        store=adapters.store(),
        permits=adapters.permits(),
        clock=clock(),
        log=log(),
        release=release(),
        settle=_settle(),
        collect=Collect(store=adapters.store(), media=adapters.media),
        limits=settings().user_limits,
        lease_s=settings().lease_seconds,
    )


@cache
def explain() -> Explain:
    """Why a download is not running now."""
    from cratekeeper.services.explain import Explain

    return Explain(
        store=adapters.store(),
        clock=clock(),
        capacity=settings().capacity,
        is_configured=bool(settings().provider_url),
    )


@cache
def requests() -> Requests:
    """Creating downloads."""
    from cratekeeper.services.requests import Requests

    return Requests(
        store=adapters.store(),
        presence=_presence(),
        clock=clock(),
        ids=adapters.ids(),
        log=log(),
        release=release(),
        limits=settings().user_limits,
        max_retries=settings().max_retries,
        is_configured=bool(settings().provider_url),
        lease_s=settings().lease_seconds,
        asks_catalog=settings().idempotency_enabled,
    )


@cache
def batches() -> Batches:
    """Creating many downloads at once."""
    from cratekeeper.services.batches import Batches

    return Batches(
        requests=requests(),
        store=adapters.store(),
        presence=_presence(),
        clock=clock(),
        ids=adapters.ids(),
        log=log(),
        release=release(),
        limits=settings().user_limits,
    )


@cache
def discovery() -> Discovery:
    """Search and discographies."""
    from cratekeeper.services.discovery import Discovery

    return Discovery(
        provider=adapters.search_provider(),
        presence=_presence(),
        batches=batches(),
        is_configured=bool(settings().provider_url),
    )


@cache
def idempotency() -> Idempotency:
    """Idempotency-Keys."""
    from cratekeeper.adapters.dynamodb.idempotency import DynamoIdempotency
    from cratekeeper.adapters.system import SystemSleeper
    from cratekeeper.services.idempotency import Idempotency

    return Idempotency(
        records=DynamoIdempotency(adapters.aws().dynamodb, settings().need("queue_table")),
        clock=clock(),
        ids=adapters.ids(),
        log=log(),
        sleeper=SystemSleeper(),
        is_enabled=settings().idempotency_enabled,
    )


@cache
def together() -> Together:
    """One action on many downloads."""
    from cratekeeper.services.together import Together

    return Together(steer=steer())


@cache
def _presence() -> Presence:
    from cratekeeper.services.presence import Presence

    return Presence(store=adapters.store(), catalog=adapters.catalog())


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

    return Deliver(process=process(), bell=adapters.bell(), log=log())


@cache
def _claims() -> Claims:
    from cratekeeper.services.claim import Claims

    return Claims(
        store=adapters.store(),
        clock=clock(),
        ids=adapters.ids(),
        release=release(),
        settle=_settle(),
        capacity=settings().capacity,
        lease_s=settings().lease_seconds,
    )


@cache
def process() -> Process:
    """The worker's own path."""
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
        release=release(),
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
        release=release(),
        settle=_settle(),
        steer=steer(),
        capacity=settings().capacity,
        lease_s=settings().lease_seconds,
    )


@cache
def gauges() -> Gauges:
    """How much there is to do."""
    from cratekeeper.services.gauges import Gauges

    return Gauges(
        store=adapters.store(),
        permits=adapters.permits(),
        metrics=adapters.metrics(),
        clock=clock(),
        capacity=settings().capacity,
    )


@cache
def project() -> Project:
    """From the streams to history, bus and metrics."""
    from cratekeeper.adapters.bus import EventBridgeBus
    from cratekeeper.services.activity import ActivitySeal
    from cratekeeper.services.project import Project

    return Project(
        history=adapters.history(),
        bus=EventBridgeBus(adapters.aws().events, settings().need("event_bus_name")),
        seal=ActivitySeal(history=adapters.history(), clock=clock()),
        metrics=adapters.metrics(),
    )


def changes(event: Mapping[str, Any]) -> Iterator[Seen]:
    """The downloads and orders that a batch of stream records shows, before and after."""
    from cratekeeper.adapters.dynamodb.stream import downloads_in

    return downloads_in(event.get("Records", []), log=log())


@cache
def reconcile() -> Reconcile:
    """Repair of the history after an outage of the stream."""
    from cratekeeper.services.project import Reconcile

    return Reconcile(store=adapters.store(), identities=adapters.identities(), project=project())
