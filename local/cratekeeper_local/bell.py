"""The dispatcher's bell: what a schedule rings each minute on AWS, every two seconds here."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from cratekeeper_local.aws import Aws
from cratekeeper_local.emulator.settings import ACCOUNT, REGION
from cratekeeper_local.errors import LocalStackError
from cratekeeper_local.invoking import invoked
from cratekeeper_local.readback.resource import Resource

PERIOD_S: Final = 2.0
_STOP_LIMIT_S: Final = 5.0


@contextmanager
def ringing(aws: Aws, function: str, event: object, *, warn: Callable[[str], None]) -> Iterator[None]:
    """Invoke `function` every PERIOD_S, never while it still runs, for the length of the block.

    A failure is told once, and again only after it worked in between.
    """
    ended = threading.Event()

    def ring() -> None:
        works = True
        while not ended.wait(PERIOD_S):
            try:
                invoked(aws, function, event)
                works = True
            except LocalStackError as error:
                if works and not ended.is_set():
                    warn(str(error))
                works = False

    thread = threading.Thread(target=ring, daemon=True, name="bell")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(_STOP_LIMIT_S)


def schedule_event(resources: list[Resource], function: str) -> object:
    """What the template's rule or schedule for `function` sends."""
    for resource in resources:
        for target in _targets(resource.expected):
            if str(target.get("Arn")).endswith(f":function:{function}"):
                return target.get("Input") or _tick(resource)
    raise LocalStackError(f"template.yaml has no schedule for {function}")


def _targets(properties: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    single = properties.get("Target")
    return [*properties.get("Targets", []), *([single] if isinstance(single, dict) else [])]


def _tick(rule: Resource) -> dict[str, object]:
    """The event that EventBridge makes for a rule without input of its own."""
    return {
        "version": "0",
        "id": rule.physical,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{rule.physical}"],
        "detail": {},
    }
