"""Domain events on EventBridge, in the shape of CloudEvents 1.0."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from cratekeeper.adapters.aws import outages
from cratekeeper.domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_events import EventBridgeClient

    from cratekeeper.domain.announcements import DomainEvent

BATCH: Final = 10
"""Entries in one call, by the service's limit."""

SOURCE: Final = "cratekeeper"
"""What rules match on, beside the detail type: the topic."""

VERSION: Final = 1
"""Of the schemas in docs/events; a change that breaks a subscriber raises it."""


class EventBridgeBus:
    """The port `EventBus` on EventBridge.

    Args:
        client: EventBridge.
        bus_name: the bus.

    """

    def __init__(self, client: EventBridgeClient, bus_name: str) -> None:
        self._client = client
        self._bus_name = bus_name

    def publish(self, events: Sequence[DomainEvent]) -> None:
        """One PutEvents for each ten events; Unavailable if any was not taken."""
        for start in range(0, len(events), BATCH):
            self._put(events[start : start + BATCH])

    def _put(self, events: Sequence[DomainEvent]) -> None:
        wanted: Any = [
            {
                "EventBusName": self._bus_name,
                "Source": SOURCE,
                "DetailType": event.topic.value,
                "Time": event.at,
                "Detail": json.dumps(cloud_event(event)),
            }
            for event in events
        ]
        with outages():
            answer = self._client.put_events(Entries=wanted)
        if answer["FailedEntryCount"]:
            raise Unavailable(f"{answer['FailedEntryCount']} of {len(wanted)} events were not taken")


def cloud_event(event: DomainEvent) -> dict[str, object]:
    """The event as subscribers get it (CloudEvents 1.0, JSON format); `id` tells repetitions apart."""
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": SOURCE,
        "type": event.topic.value,
        "dataschema": f"urn:cratekeeper:event:{event.topic.value}:{VERSION}",
        "subject": event.subject,
        "time": event.at.isoformat(timespec="milliseconds"),
        "datacontenttype": "application/json",
        "data": dict(event.data),
    }
