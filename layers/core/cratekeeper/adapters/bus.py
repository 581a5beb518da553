"""Domain events on EventBridge, in the shape of CloudEvents 1.0."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from cratekeeper.adapters.aws import outages
from cratekeeper.domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_events import EventBridgeClient

    from cratekeeper.domain.events import HistoryEntry

BATCH: Final = 10
"""Entries in one call, by the service's limit."""

SOURCE: Final = "cratekeeper"
"""What rules match on, beside the detail type: the audit event's type."""


class EventBridgeBus:
    """The port `EventBus` on EventBridge.

    Args:
        client: EventBridge.
        bus_name: the bus.

    """

    def __init__(self, client: EventBridgeClient, bus_name: str) -> None:
        self._client = client
        self._bus_name = bus_name

    def publish(self, entries: Sequence[HistoryEntry]) -> None:
        """One PutEvents for each ten entries; Unavailable if any was not taken."""
        for start in range(0, len(entries), BATCH):
            self._put(entries[start : start + BATCH])

    def _put(self, entries: Sequence[HistoryEntry]) -> None:
        wanted: Any = [
            {
                "EventBusName": self._bus_name,
                "Source": SOURCE,
                "DetailType": entry.event.type.value,
                "Time": entry.event.at,
                "Detail": json.dumps(cloud_event(entry)),
            }
            for entry in entries
        ]
        with outages():
            answer = self._client.put_events(Entries=wanted)
        if answer["FailedEntryCount"]:
            raise Unavailable(f"{answer['FailedEntryCount']} of {len(wanted)} events were not taken")


def cloud_event(entry: HistoryEntry) -> dict[str, object]:
    """The event as subscribers get it; `id` tells repetitions apart."""
    event = entry.event
    return {
        "specversion": "1.0",
        "id": entry.id,
        "source": SOURCE,
        "type": event.type.value,
        "subject": entry.download_id,
        "time": event.at.isoformat(timespec="milliseconds"),
        "datacontenttype": "application/json",
        "data": {
            "event_type": event.type.value,
            "download_id": entry.download_id,
            "kind": entry.kind,
            "content_id": entry.content_id,
            "user_id": event.actor,
            "requested_by": entry.requested_by,
            "source": entry.source,
            "details": dict(event.details),
        },
    }
