"""What keeps the library whole: the watchdog and the other background jobs. Built like everything in this package."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from cratekeeper import bootstrap
from cratekeeper.bootstrap import adapters, library, operating
from cratekeeper.bootstrap.adapters import clock, settings
from cratekeeper.domain.jobs import WATCHDOG

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cratekeeper.adapters.aws import Aws
    from cratekeeper.domain.jobs import Values
    from cratekeeper.ports import upkeep
    from cratekeeper.services.jobs import Jobs
    from cratekeeper.services.repair import Repair
    from cratekeeper.services.runner import Runner, Task, Work
    from cratekeeper.services.watchdog import Watchdog

HANDOVER: Final = timedelta(seconds=30)
"""What is kept of an invocation's time for handing over what is left of a run."""


@cache
def _records() -> upkeep.JobRecords:
    from cratekeeper.adapters.dynamodb.jobs import DynamoJobs

    return DynamoJobs(
        adapters.aws().dynamodb,
        settings().need("queue_table"),
        patience=adapters.patience(),
        retention_days=settings().audit_retention_days,
    )


@cache
def _starter() -> upkeep.Starter:
    """A function knows the others by their names, and itself by its own."""
    from cratekeeper.adapters.starter import LambdaStarter

    own = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
    watchdog = settings().watchdog_function or own
    return LambdaStarter(adapters.aws().functions, {WATCHDOG: watchdog}, other=settings().jobs_function or own)


@cache
def jobs() -> Jobs:
    """Jobs as operators see them."""
    from cratekeeper.services.jobs import Jobs

    return Jobs(
        records=_records(),
        starter=_starter(),
        clock=clock(),
        ids=adapters.ids(),
        watchdog_schedule=settings().watchdog_schedule,
    )


def runner(works: Mapping[str, Callable[[], Work]]) -> Runner:
    """What runs these jobs in this process."""
    from cratekeeper.adapters.system import ThreadPulse
    from cratekeeper.services.runner import Runner

    return Runner(
        records=_records(),
        starter=_starter(),
        clock=clock(),
        ids=adapters.ids(),
        pulse=ThreadPulse(),
        log=adapters.log(),
        metrics=adapters.metrics(),
        works=works,
        lease_s=settings().lease_seconds,
    )


@cache
def watchdog_runner() -> Runner:
    """For the watchdog's own function."""
    return runner({WATCHDOG: lambda: _watchdog().run})


@cache
def job_runner() -> Runner:
    """For all other jobs; each is built when it runs."""
    return runner(JOB_WORKS)


@cache
def _lean() -> Aws:
    from cratekeeper.adapters.lean import lean

    return lean()


@cache
def _watchdog() -> Watchdog:
    from cratekeeper.adapters.dynamodb.expected import DynamoExpectedMedia
    from cratekeeper.adapters.inventory import S3Inventory
    from cratekeeper.services.watchdog import Watchdog

    return Watchdog(
        inventory=S3Inventory(_lean().s3, settings().need("media_bucket")),
        expected=DynamoExpectedMedia(_lean().dynamodb, settings().need("catalog_table")),
        catalog=adapters.catalog(),
        history=adapters.history(),
        repair=_repair(),
        clock=clock(),
    )


def _repair() -> Repair:
    from cratekeeper.services.repair import Repair

    return Repair(
        store=adapters.store(),
        clock=clock(),
        ids=adapters.ids(),
        log=adapters.log(),
        release=bootstrap.release(),
        max_retries=settings().max_retries,
        lease_s=settings().lease_seconds,
    )


def _stale_work() -> Work:
    from cratekeeper.services.upkeep import StaleWork

    return StaleWork(overview=operating.overview(), log=adapters.log(), metrics=adapters.metrics()).run


def _popular_content() -> Work:
    def run(task: Task) -> Values:
        params: dict[str, Any] = dict(task.run.params)
        chart = library.charts().recount(**params)
        return {"tracks": len(chart.places), "plays": sum(place.plays for place in chart.places), "days": chart.days}

    return run


def _audit_retention() -> Work:
    from cratekeeper.adapters.dynamodb.upkeep import DynamoOldHistory
    from cratekeeper.services.upkeep import AuditRetention

    history = DynamoOldHistory(adapters.aws().dynamodb, settings().need("history_table"), patience=adapters.patience())
    return AuditRetention(history=history, clock=clock(), days=settings().audit_retention_days).run


def _usage_reconcile() -> Work:
    from cratekeeper.adapters.dynamodb.upkeep import DynamoUsageRecords
    from cratekeeper.services.usage import UsageReconcile

    return UsageReconcile(
        store=adapters.store(),
        permits=adapters.permits(),
        usage=DynamoUsageRecords(adapters.aws().dynamodb, settings().need("queue_table")),
        clock=clock(),
        log=adapters.log(),
    ).run


def _abandoned_uploads() -> Work:
    from cratekeeper.adapters.inventory import S3Inventory
    from cratekeeper.services.upkeep import AbandonedUploads

    bucket = settings().need("media_bucket")
    return AbandonedUploads(
        inventory=S3Inventory(adapters.aws().s3, bucket),
        media=adapters.media,
        store=adapters.store(),
        clock=clock(),
        lease_s=settings().lease_seconds,
    ).run


JOB_WORKS: Final[Mapping[str, Callable[[], Work]]] = {
    "stale_in_progress": _stale_work,
    "popular_content": _popular_content,
    "audit_retention": _audit_retention,
    "usage_reconcile": _usage_reconcile,
    "abandoned_uploads": _abandoned_uploads,
}
"""What the jobs function runs."""
