"""What only operators use: orders, work at once, overviews. Built like everything in this package."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from cratekeeper import bootstrap
from cratekeeper.bootstrap import adapters
from cratekeeper.bootstrap.adapters import clock, settings

if TYPE_CHECKING:
    from cratekeeper.services.activity import ActivityReport
    from cratekeeper.services.control import QueueControl, WorkNow
    from cratekeeper.services.overview import Overview
    from cratekeeper.services.requeue import Requeue


@cache
def queue_control() -> QueueControl:
    """Pausing, resuming and limiting the queue."""
    from cratekeeper.services.control import QueueControl

    return QueueControl(permits=adapters.permits(), release=bootstrap.release(), clock=clock())


@cache
def work_now() -> WorkNow:
    """Asking the worker by name; begun within 8 s and waited for 18 s, all fits into an API's 30 s."""
    from cratekeeper.services.control import WorkNow

    return WorkNow(
        store=adapters.store(),
        permits=adapters.permits(),
        release=bootstrap.release(),
        worker=adapters.worker(),
        clock=clock(),
        window_s=8.0,
    )


@cache
def activity() -> ActivityReport:
    """What ended, by hour."""
    from cratekeeper.services.activity import ActivityReport

    return ActivityReport(history=adapters.history(), clock=clock())


@cache
def overview() -> Overview:
    """Everybody's downloads, and the whole in numbers."""
    from cratekeeper.services.overview import Overview

    return Overview(
        store=adapters.store(),
        permits=adapters.permits(),
        activity=activity(),
        queries=bootstrap.queries(),
        clock=clock(),
        capacity=settings().capacity,
        stale_s=settings().stale_in_progress_seconds,
    )


@cache
def requeue() -> Requeue:
    """Retrying what failed."""
    from cratekeeper.services.requeue import Requeue

    return Requeue(overview=overview(), steer=bootstrap.steer(), clock=clock(), most=200, window_s=15.0)
