"""The only builder: settings become adapters, adapters become services, each once per process.

Imports are made where a thing is built, so that a function pays at its cold start only for what it
uses: the API has no HTTP client, the dispatcher no media formats.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from cratekeeper.config import Settings
from cratekeeper.domain.lanes import Lane

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cratekeeper import ports
    from cratekeeper.adapters.aws import Aws
    from cratekeeper.adapters.dynamodb.patience import Patience
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


@cache
def settings() -> Settings:
    """The settings of this process. Raises SettingsError, naming what is wrong."""
    return Settings.load(os.environ)


@cache
def _aws() -> Aws:
    from cratekeeper.adapters.aws import Aws

    return Aws()


@cache
def clock() -> ports.Clock:
    """Time."""
    from cratekeeper.adapters.system import SystemClock

    return SystemClock()


@cache
def _ids() -> ports.Ids:
    from cratekeeper.adapters.system import SystemIds

    return SystemIds()


@cache
def _dice() -> ports.Dice:
    from cratekeeper.adapters.system import SystemDice

    return SystemDice()


@cache
def log() -> ports.Log:
    """Log lines of this function."""
    from cratekeeper.adapters.telemetry import JsonLog

    name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
    return JsonLog(settings().log_level, clock=clock(), fields={"function": name})


@cache
def _patience() -> Patience:
    from cratekeeper.adapters.dynamodb.patience import Patience

    return Patience(dice=_dice())


@cache
def _store() -> ports.DownloadStore:
    from cratekeeper.adapters.dynamodb.store import DynamoDownloadStore

    return DynamoDownloadStore(
        _aws().dynamodb,
        settings().need("queue_table"),
        patience=_patience(),
        default_limit=settings().max_concurrent_downloads,
    )


@cache
def _permits() -> ports.Permits:
    from cratekeeper.adapters.dynamodb.permits import DynamoPermits

    return DynamoPermits(
        _aws().dynamodb, settings().need("queue_table"), default_limit=settings().max_concurrent_downloads
    )


@cache
def _catalog() -> ports.CatalogStore:
    from cratekeeper.adapters.dynamodb.catalog import DynamoCatalog

    return DynamoCatalog(_aws().dynamodb, settings().need("catalog_table"), patience=_patience())


@cache
def _history() -> ports.HistoryStore:
    from cratekeeper.adapters.dynamodb.history import DynamoHistory

    return DynamoHistory(
        _aws().dynamodb,
        settings().need("history_table"),
        patience=_patience(),
        retention_days=settings().audit_retention_days,
    )


def _queue_urls() -> dict[Lane, str]:
    return {
        Lane.HIGH: settings().need("high_queue_url"),
        Lane.NORMAL: settings().need("normal_queue_url"),
        Lane.LOW: settings().need("low_queue_url"),
    }


def lanes_by_queue() -> dict[str, Lane]:
    """The lane of each queue, by the queue's name."""
    return {url.rpartition("/")[2]: lane for lane, url in _queue_urls().items()}


@cache
def _bell() -> ports.Bell:
    from cratekeeper.adapters.sqs import SqsBell

    return SqsBell(_aws().sqs, _queue_urls())


@cache
def _provider() -> ports.Provider:
    from cratekeeper.adapters.provider import HttpProvider

    return HttpProvider(settings().provider_url, clock=clock(), timeout_s=float(settings().provider_timeout_seconds))


@cache
def _media() -> ports.MediaStore:
    from cratekeeper.adapters.s3 import S3Media

    return S3Media(_aws().s3, settings().need("media_bucket"))


@cache
def _secrets() -> ports.Secrets:
    from cratekeeper.adapters.secrets import SecretsManagerSecrets

    return SecretsManagerSecrets(_aws().secretsmanager, settings().need("pepper_secret_id"))


@cache
def identity() -> Identity:
    """Callers and keys."""
    from cratekeeper.adapters.dynamodb.identity import DynamoIdentities
    from cratekeeper.services.identity import Identity

    identities = DynamoIdentities(_aws().dynamodb, settings().need("identity_table"))
    return Identity(identities=identities, secrets=_secrets(), clock=clock(), ids=_ids())


@cache
def cursors() -> Cursors:
    """Signed cursors of the lists."""
    from cratekeeper.api.cursors import Cursors

    return Cursors(_secrets().pepper())


def edge(routes: Mapping[str, Route]) -> Edge:
    """The HTTP edge of a function with these routes."""
    from cratekeeper.api.edge import Edge

    return Edge(routes=routes, identity=identity(), clock=clock(), ids=_ids(), log=log())


@cache
def _release() -> Release:
    from cratekeeper.services.candidates import Candidates
    from cratekeeper.services.release import Release

    lease_s = settings().lease_seconds
    candidates = Candidates(store=_store(), permits=_permits(), clock=clock(), lease_s=lease_s)
    return Release(candidates=candidates, permits=_permits(), bell=_bell(), clock=clock(), log=log(), lease_s=lease_s)


@cache
def _settle() -> Settle:
    from cratekeeper.services.settle import Settle

    return Settle(store=_store(), clock=clock())


@cache
def requests() -> Requests:
    """Creating downloads."""
    from cratekeeper.services.requests import Requests

    return Requests(
        store=_store(),
        catalog=_catalog(),
        clock=clock(),
        ids=_ids(),
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
        store=_store(),
        permits=_permits(),
        history=_history(),
        clock=clock(),
        limits=settings().user_limits,
        capacity=settings().capacity,
    )


@cache
def deliver() -> Deliver:
    """Dealing with messages."""
    from cratekeeper.services.deliver import Deliver

    return Deliver(process=_process(), bell=_bell(), log=log())


@cache
def _claims() -> Claims:
    from cratekeeper.services.claim import Claims

    return Claims(
        store=_store(),
        clock=clock(),
        ids=_ids(),
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
        store=_store(),
        catalog=_catalog(),
        provider=_provider(),
        clock=clock(),
        log=log(),
        lease_s=settings().lease_seconds,
    )
    transfer = Transfer(
        store=_store(),
        catalog=_catalog(),
        media=_media(),
        provider=_provider(),
        clock=clock(),
        timeout_s=float(settings().provider_timeout_seconds),
    )
    return Process(
        store=_store(),
        permits=_permits(),
        catalog=_catalog(),
        clock=clock(),
        dice=_dice(),
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
        store=_store(),
        permits=_permits(),
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

    return Project(history=_history(), bus=EventBridgeBus(_aws().events, settings().need("event_bus_name")))


def changes(event: Mapping[str, Any]) -> Iterator[tuple[Download | None, Download | None]]:
    """The downloads that a batch of stream records shows, before and after."""
    from cratekeeper.adapters.dynamodb.stream import downloads_in

    return downloads_in(event.get("Records", []), log=log())


@cache
def reconcile() -> Reconcile:
    """Repair of the history after an outage of the stream."""
    from cratekeeper.services.project import Reconcile

    return Reconcile(store=_store(), project=project())
