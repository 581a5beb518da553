"""What entries of the history say in figures."""

from collections.abc import Mapping

import pytest

from cratekeeper.domain.events import Detail, EventType, HistoryEntry
from cratekeeper.domain.metrics import (
    BYTES,
    DURATION,
    FAILURE_RATE,
    LEASE_LOSSES,
    METRICS,
    PROCESSED,
    REQUESTS,
    Metric,
    measured,
)
from tests.support.builders import ROOT, an_event


def an_entry(
    what: EventType, kind: str | None = "track", *, subject: str = ROOT, details: Mapping[str, Detail] | None = None
) -> HistoryEntry:
    return HistoryEntry(download_id=subject, seq=1, event=an_event(what, details=details or {}), kind=kind)


def told(*entries: HistoryEntry) -> dict[tuple[Metric, tuple[str, ...]], list[float]]:
    return {(each.metric, tuple(each.dimensions.values())): list(each.values) for each in measured(entries)}


def test_every_metric_is_of_its_own_name() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_requests_are_counted_by_kind_and_children_are_none() -> None:
    asked = [
        an_entry(EventType.REQUEST_CREATED),
        an_entry(EventType.WATCHDOG_QUEUED),
        an_entry(EventType.REQUEST_CREATED, "album"),
    ]
    child = an_entry(EventType.REQUEST_CREATED, subject=f"{ROOT}-1")
    assert told(*asked, child) == {(REQUESTS, ("track",)): [2], (REQUESTS, ("album",)): [1]}


def test_completions_tell_how_long_and_how_much() -> None:
    done = [
        an_entry(EventType.DOWNLOAD_COMPLETED, details={"bytes": size, "duration_ms": size * 2}) for size in (100, 50)
    ]
    assert told(*done) == {
        (PROCESSED, ("track", "completed")): [2],
        (FAILURE_RATE, ()): [0, 0],
        (DURATION, ("track",)): [200, 100],
        (BYTES, ()): [150],
    }


def test_an_albums_bytes_are_those_of_its_children() -> None:
    album = an_entry(EventType.DOWNLOAD_COMPLETED, "album", details={"bytes": 9, "duration_ms": None})
    assert (BYTES, ()) not in told(album)
    assert told(album)[DURATION, ("album",)] == [0]


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (EventType.DOWNLOAD_FAILED, {(PROCESSED, ("track", "failed")): [1], (FAILURE_RATE, ()): [100]}),
        (EventType.DOWNLOAD_CANCELLED, {(PROCESSED, ("track", "cancelled")): [1]}),
        (EventType.RETRY_SCHEDULED, {(PROCESSED, ("track", "retried")): [1]}),
        (EventType.LEASE_RECOVERED, {(LEASE_LOSSES, ()): [1]}),
        (EventType.DOWNLOAD_STARTED, {}),
    ],
)
def test_what_else_is_counted(what: EventType, expected: object) -> None:
    assert told(an_entry(what)) == expected


def test_what_is_no_download_is_not_counted() -> None:
    assert told(an_entry(EventType.QUEUE_PAUSED, None), an_entry(EventType.KEY_CREATED, None)) == {}
