"""Which step of an album's life a call belongs to: read from what it touches, not from who made it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tests.bench.meter import Call, total
from tests.bench.rig import MAPPING
from tests.bench.rules import Units


class Step(StrEnum):
    """The steps of the cost table, in the order of an album's life."""

    CREATE = "create: catalog read, transaction"
    CLAIM_ALBUM = "claim album: read, transaction"
    EXPAND = "expand: look-up, catalog rows, transaction"
    PERMIT = "permits: take, swap, mark, drop"
    LOOK = "look for work: control, index, items"
    RING = "rings"
    READ_CHILD = "child: read before its claim"
    CLAIM = "child: claim"
    LAND = "child: land the bytes"
    MEDIA = "child: media row"
    COMPLETE = "child: complete"
    SETTLE = "child: leave the parent's open set"
    FINISH = "finish the album"
    HISTORY = "history"
    BUS = "bus"
    OTHER = "other"


CREATING: Final = "create"
"""Phase of the request."""

_STARTED: Final = "DOWNLOAD_STARTED"


def _touches(call: Call, prefix: str) -> bool:
    return any(key.startswith(prefix) for key in call.keys)


def _is_child(call: Call) -> bool:
    return any("/C#" in key for key in call.keys)


def _is_write(call: Call) -> bool:
    return call.operation in {"UpdateItem", "PutItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"}


def _is_control_alone(call: Call) -> bool:
    return call.keys == ("CTL/CTL",)


_RULES: Final[tuple[tuple[Step, Callable[[Call], bool]], ...]] = (
    (Step.BUS, lambda call: call.service == "events"),
    (Step.RING, lambda call: call.service == "sqs"),
    (Step.HISTORY, lambda call: call.phase == "history"),
    (Step.LAND, lambda call: call.service == "s3"),
    (Step.PERMIT, lambda call: _is_control_alone(call) and _is_write(call)),
    (Step.LOOK, lambda call: _is_control_alone(call) or call.operation == "Query"),
    (Step.CREATE, lambda call: call.phase == CREATING and (_touches(call, "A#") or _touches(call, "L#"))),
    (Step.CLAIM_ALBUM, lambda call: _touches(call, "W#") or ("CTL/CTL" in call.keys and not _is_child(call))),
    (Step.READ_CHILD, lambda call: "CTL/CTL" in call.keys),
    (Step.FINISH, lambda call: _touches(call, "L#") or (_touches(call, "A#") and call.operation == "UpdateItem")),
    (Step.EXPAND, lambda call: call.operation in {"TransactWriteItems", "BatchWriteItem", "BatchGetItem"}),
    (Step.MEDIA, lambda call: _touches(call, "M#")),
    (Step.LOOK, lambda call: call.operation == "GetItem"),
    (Step.CLAIM, lambda call: _is_child(call) and _STARTED in str(call.params)),
    (Step.COMPLETE, _is_child),
    (Step.SETTLE, lambda call: "DELETE" in str(call.params.get("UpdateExpression", ""))),
    (Step.LOOK, lambda call: _touches(call, "D#")),
)


def step_of(call: Call) -> Step:
    """The first rule that knows the call."""
    return next((step for step, is_it in _RULES if is_it(call)), Step.OTHER)


@dataclass(frozen=True, slots=True)
class Line:
    """A step of one run: calls, those of them that were refused, and what they are billed for."""

    step: Step
    calls: int
    refused: int
    units: Units


def by_step(calls: list[Call]) -> list[Line]:
    """Our calls step by step; those that Lambda's mapping makes are no calls of ours."""
    ours = [call for call in calls if call.phase != MAPPING]
    found = []
    for step in Step:
        its = [call for call in ours if step_of(call) is step]
        if its:
            refused = sum(call.is_refused for call in its)
            found.append(Line(step, sum(call.attempts for call in its), refused, total(its)))
    return found
