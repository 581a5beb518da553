"""The metrics of the product: names, units and dimensions, and what entries of the history say in them.

Each pair of a metric and values of its dimensions has a price of its own, so dimensions have few values.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

from cratekeeper.domain.events import EventType, HistoryEntry
from cratekeeper.domain.ids import parent_of


class Metric(NamedTuple):
    """One metric: unit and dimensions are CloudWatch's."""

    name: str
    unit: str
    dimensions: tuple[str, ...] = ()


REQUESTS: Final = Metric("Requests", "Count", ("Kind",))
"""Top-level downloads that were asked for, repairs too."""
PROCESSED: Final = Metric("Processed", "Count", ("Kind", "Result"))
"""Downloads, children too, by how an attempt or the download ended: one of RESULTS."""
FAILURE_RATE: Final = Metric("FailureRate", "Percent")
"""0 for a download that completed, 100 for one that failed: the average is the rate."""
DURATION: Final = Metric("Duration", "Milliseconds", ("Kind",))
"""From the first claim to completion."""
BYTES: Final = Metric("Bytes", "Bytes")
"""Of tracks and images that completed."""
LEASE_LOSSES: Final = Metric("LeaseLosses", "Count")
"""Claims of work whose holder had stopped."""
QUEUE_SIZE: Final = Metric("QueueSize", "Count", ("Status",))
"""Top-level downloads by state."""
WAITING: Final = Metric("Waiting", "Count", ("Lane",))
"""Top-level downloads that are PENDING, by lane."""
OLDEST_WAITING: Final = Metric("OldestWaiting", "Seconds")
"""How long the longest waiting download has been ready to start; 0 while the queue is paused."""
CAPACITY_USED: Final = Metric("CapacityUsed", "Percent", ("Window",))
"""Albums started in this hour and on this day, of those that may; 0 if unlimited."""
ACTIVE: Final = Metric("Active", "Count")
"""Permits in use."""
STALE: Final = Metric("StaleInProgress", "Count")
"""Work, children too, that has been running for too long."""
API_REQUESTS: Final = Metric("ApiRequests", "Count", ("Status",))
"""Answers of the HTTP API by class of status: 2xx, 3xx, 4xx, 5xx."""
JOB_RUNS: Final = Metric("JobRuns", "Count", ("Job", "Result"))
"""Runs of background jobs that ended: completed or failed."""

METRICS: Final = (
    REQUESTS,
    PROCESSED,
    FAILURE_RATE,
    DURATION,
    BYTES,
    LEASE_LOSSES,
    QUEUE_SIZE,
    WAITING,
    OLDEST_WAITING,
    CAPACITY_USED,
    ACTIVE,
    STALE,
    API_REQUESTS,
    JOB_RUNS,
)

RESULTS: Final = MappingProxyType({
    EventType.DOWNLOAD_COMPLETED: "completed",
    EventType.DOWNLOAD_FAILED: "failed",
    EventType.DOWNLOAD_CANCELLED: "cancelled",
    EventType.RETRY_SCHEDULED: "retried",
})
_REQUESTED: Final = frozenset({EventType.REQUEST_CREATED, EventType.WATCHDOG_QUEUED})


@dataclass(frozen=True, slots=True)
class Measure:
    """Values of a metric with these values of its dimensions."""

    metric: Metric
    values: Sequence[float]
    dimensions: Mapping[str, str] = field(default_factory=dict)


def measured(entries: Iterable[HistoryEntry]) -> list[Measure]:
    """What a batch of entries says, each metric and dimension once."""
    found: dict[tuple[Metric, tuple[str, ...]], list[float]] = {}
    for entry in entries:
        for metric, dimensions, value in _of(entry):
            found.setdefault((metric, dimensions), []).append(value)
    return [
        Measure(metric, _summed(metric, values), dict(zip(metric.dimensions, dimensions, strict=True)))
        for (metric, dimensions), values in found.items()
    ]


def _summed(metric: Metric, values: list[float]) -> list[float]:
    """Counts and bytes are added up; of times and rates each one counts."""
    return [sum(values)] if metric.unit in {"Count", "Bytes"} else values


def _of(entry: HistoryEntry) -> Iterator[tuple[Metric, tuple[str, ...], float]]:
    kind, event = entry.kind, entry.event
    if kind is None:
        return
    if event.type in _REQUESTED and parent_of(entry.download_id) is None:
        yield REQUESTS, (kind,), 1
    if event.type is EventType.LEASE_RECOVERED:
        yield LEASE_LOSSES, (), 1
    if event.type in RESULTS:
        yield PROCESSED, (kind, RESULTS[event.type]), 1
    if event.type is EventType.DOWNLOAD_FAILED:
        yield FAILURE_RATE, (), 100
    if event.type is EventType.DOWNLOAD_COMPLETED:
        yield FAILURE_RATE, (), 0
        yield DURATION, (kind,), float(event.details.get("duration_ms") or 0)
        if kind != "album":
            yield BYTES, (), float(event.details.get("bytes") or 0)
