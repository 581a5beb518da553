"""The files in events/: one real event per trigger, named `<function>_<case>.json`."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from typing_extensions import override

EVENTS = Path(__file__).resolve().parents[2] / "events"
TOKEN = "ck_example"
"""The API key that the HTTP events carry; a test that replays them makes it known."""


def queue_url(logical_id: str) -> str:
    """The URL of a queue whose messages the events are, such as `NormalQueue`."""
    return f"https://sqs.eu-central-1.amazonaws.com/123456789012/cratekeeper-{logical_id}-4XJQ2M8K1N7P"


@dataclass(frozen=True, slots=True)
class EventFile:
    """One event: the folder of its function, what it shows, and the event itself."""

    function: str
    case: str
    content: dict[str, Any]

    @override
    def __str__(self) -> str:
        """The name of the file: the id of the test that replays it."""
        return f"{self.function}_{self.case}"

    @property
    def route(self) -> str | None:
        """The key of the route it came by, `GET /health`; None for an event of another kind."""
        return self.content.get("routeKey")


@cache
def all_events() -> tuple[EventFile, ...]:
    """Every event file, by name."""
    return tuple(_read(path) for path in sorted(EVENTS.glob("*.json")))


def _read(path: Path) -> EventFile:
    function, _, case = path.stem.partition("_")
    return EventFile(function, case, json.loads(path.read_text("utf-8")))
