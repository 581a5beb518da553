"""The adapters, each built once per process from the settings; imported where they are built."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Final

from cratekeeper.config import Settings
from cratekeeper.domain.lanes import Lane

if TYPE_CHECKING:
    from cratekeeper import ports
    from cratekeeper.adapters.aws import Aws
    from cratekeeper.adapters.dynamodb.patience import Patience


SEARCH_DEADLINE_S: Final = 10.0
"""For the provider's answer to a search: half of what the function has."""


@cache
def settings() -> Settings:
    """The settings of this process. Raises SettingsError, naming what is wrong."""
    return Settings.load(os.environ)


@cache
def aws() -> Aws:
    """Clients of the SDK."""
    from cratekeeper.adapters.aws import Aws

    return Aws()


@cache
def clock() -> ports.Clock:
    """Time."""
    from cratekeeper.adapters.system import SystemClock

    return SystemClock()


@cache
def ids() -> ports.Ids:
    """Ids and nonces."""
    from cratekeeper.adapters.system import SystemIds

    return SystemIds()


@cache
def dice() -> ports.Dice:
    """Randomness."""
    from cratekeeper.adapters.system import SystemDice

    return SystemDice()


@cache
def log() -> ports.Log:
    """Log lines of this function."""
    from cratekeeper.adapters.telemetry import JsonLog

    name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
    return JsonLog(settings().log_level, clock=clock(), fields={"function": name})


@cache
def metrics() -> ports.Metrics:
    """Figures, as lines of the log."""
    from cratekeeper.adapters.telemetry import EmfMetrics

    return EmfMetrics(settings().metrics_namespace, clock=clock())


@cache
def identities() -> ports.Identities:
    """The identity table."""
    from cratekeeper.adapters.dynamodb.identity import DynamoIdentities

    return DynamoIdentities(aws().dynamodb, settings().need("identity_table"))


@cache
def patience() -> Patience:
    """Waits between two tries of a write."""
    from cratekeeper.adapters.dynamodb.patience import Patience

    return Patience(dice=dice())


@cache
def store() -> ports.DownloadStore:
    """The queue table."""
    from cratekeeper.adapters.dynamodb.store import DynamoDownloadStore

    return DynamoDownloadStore(
        aws().dynamodb,
        settings().need("queue_table"),
        patience=patience(),
        default_limit=settings().max_concurrent_downloads,
    )


@cache
def permits() -> ports.Permits:
    """The control item."""
    from cratekeeper.adapters.dynamodb.permits import DynamoPermits

    return DynamoPermits(
        aws().dynamodb, settings().need("queue_table"), default_limit=settings().max_concurrent_downloads
    )


@cache
def catalog() -> ports.CatalogStore:
    """The catalog table."""
    from cratekeeper.adapters.dynamodb.catalog import DynamoCatalog

    return DynamoCatalog(aws().dynamodb, settings().need("catalog_table"), patience=patience())


@cache
def library() -> ports.Library:
    """The catalog's metadata."""
    from cratekeeper.adapters.dynamodb.library import DynamoLibrary

    return DynamoLibrary(aws().dynamodb, settings().need("catalog_table"), patience=patience())


@cache
def plays() -> ports.Plays:
    """The table of plays."""
    from cratekeeper.adapters.dynamodb.plays import DynamoPlays

    return DynamoPlays(aws().dynamodb, settings().need("plays_table"), patience=patience())


@cache
def history() -> ports.HistoryStore:
    """The history table."""
    from cratekeeper.adapters.dynamodb.history import DynamoHistory

    return DynamoHistory(
        aws().dynamodb,
        settings().need("history_table"),
        patience=patience(),
        retention_days=settings().audit_retention_days,
    )


def queue_urls() -> dict[Lane, str]:
    """The URL of each lane's queue."""
    return {
        Lane.HIGH: settings().need("high_queue_url"),
        Lane.NORMAL: settings().need("normal_queue_url"),
        Lane.LOW: settings().need("low_queue_url"),
    }


def lanes_by_queue() -> dict[str, Lane]:
    """The lane of each queue, by the queue's name."""
    return {url.rpartition("/")[2]: lane for lane, url in queue_urls().items()}


@cache
def bell() -> ports.Bell:
    """The lane queues."""
    from cratekeeper.adapters.sqs import SqsBell

    return SqsBell(aws().sqs, queue_urls())


@cache
def provider() -> ports.Provider:
    """The downloader service."""
    from cratekeeper.adapters.provider import HttpProvider

    return HttpProvider(settings().provider_url, clock=clock(), timeout_s=float(settings().provider_timeout_seconds))


@cache
def search_provider() -> ports.Provider:
    """The downloader service, asked while somebody waits: it must answer before the API gives up."""
    from cratekeeper.adapters.provider import HttpProvider

    timeout_s = min(SEARCH_DEADLINE_S, float(settings().provider_timeout_seconds))
    return HttpProvider(settings().provider_url, clock=clock(), timeout_s=timeout_s)


@cache
def media() -> ports.MediaStore:
    """The media bucket."""
    from cratekeeper.adapters.s3 import S3Media

    return S3Media(aws().s3, settings().need("media_bucket"))


@cache
def secrets() -> ports.Secrets:
    """The pepper."""
    from cratekeeper.adapters.secrets import SecretsManagerSecrets

    return SecretsManagerSecrets(aws().secretsmanager, settings().need("pepper_secret_id"))


@cache
def tokens() -> ports.Tokens:
    """The identity provider's."""
    from cratekeeper.adapters.oidc import OidcTokens

    return OidcTokens(settings().oidc_issuer, settings().oidc_audience, clock=clock())


@cache
def worker() -> ports.Worker:
    """The processor, asked by name."""
    from cratekeeper.adapters.worker import LambdaWorker

    return LambdaWorker(aws().functions, settings().need("processor_function"))
