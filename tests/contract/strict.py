"""What DynamoDB refuses and an emulator may let pass: checked of every call of every test."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

BATCHES: Final = {"BatchGetItem": 100, "BatchWriteItem": 25, "TransactWriteItems": 100}
_PLACEHOLDER: Final = re.compile(r"[#:]\w+")
_EXPRESSIONS: Final = ("UpdateExpression", "ConditionExpression", "KeyConditionExpression", "FilterExpression")


def check(**call: Any) -> None:
    """Raise AssertionError for a call that the service would not take."""
    params, model = call["params"], call["model"]
    assert _size(params) <= BATCHES.get(model.name, 1), f"{model.name} of too many"
    for request in _requests(params):
        _check_placeholders(request)
        _check_values(request.get("Item", {}).values())
        _check_values(request.get("ExpressionAttributeValues", {}).values())
        assert "" not in (request.get(name) for name in _EXPRESSIONS), "an empty expression"


def _requests(params: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for action in params.get("TransactItems", []):
        yield from action.values()
    yield params


def _size(params: Mapping[str, Any]) -> int:
    batches = params.get("RequestItems", {}).values()
    return len(params.get("TransactItems", [])) + sum(
        len(batch["Keys"] if isinstance(batch, Mapping) else batch) for batch in batches
    )


def _check_placeholders(request: Mapping[str, Any]) -> None:
    """Each placeholder is both used and defined; none is left over."""
    text = " ".join(request.get(name, "") for name in _EXPRESSIONS)
    defined = {*request.get("ExpressionAttributeNames", {}), *request.get("ExpressionAttributeValues", {})}
    assert set(_PLACEHOLDER.findall(text)) == defined, text
    empty = [name for name, value in request.items() if name.startswith("ExpressionAttribute") and not value]
    assert empty == []


def _check_values(values: Any) -> None:
    for value in values:
        ((kind, stored),) = value.items()
        assert kind not in {"SS", "NS"} or (stored and len(set(stored)) == len(stored)), "an empty set, or one twice"
        assert kind != "N" or len(stored.lstrip("-")) <= 38, "a number of too many digits"
        _check_values(stored.values() if kind == "M" else stored if kind == "L" else [])
