"""Python values as DynamoDB attribute values and back: only the types that the tables use.

The SDK's own serializer makes a Decimal of every number; ours are whole numbers.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

Attribute = dict[str, Any]
"""One value with its type, such as `{"N": "3"}`."""

Item = dict[str, Attribute]
"""Attribute values by attribute name."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def attribute(value: object) -> Attribute:
    """The attribute value of a str, int, bool, None, set, list or mapping; TypeError for any other.

    A set holds only str or only int and is not empty: DynamoDB knows no empty sets.
    """
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(int(value))}
        case str():
            return {"S": str(value)}
        case _:
            return _collection(value)


def _collection(value: object) -> Attribute:
    match value:
        case frozenset():
            return _set(value)
        case Mapping():
            return {"M": {key: attribute(each) for key, each in value.items()}}
        case list() | tuple():
            return {"L": [attribute(each) for each in value]}
        case _:
            raise TypeError(f"{type(value).__name__} has no attribute value")


def _set(members: frozenset[Any]) -> Attribute:
    """Sorted, so that equal sets are equal on the wire too."""
    ordered = sorted(members)
    if isinstance(ordered[0], int):
        return {"NS": [str(each) for each in ordered]}
    return {"SS": ordered}


def value_of(stored: Mapping[str, Any]) -> Any:
    """The Python value of an attribute value."""
    ((type_name, value),) = stored.items()
    return _READERS[type_name](value)


def plain(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The Python values of an item."""
    return {name: value_of(stored) for name, stored in item.items()}


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "NULL": lambda _: None,
    "BOOL": bool,
    "N": int,
    "S": str,
    "NS": lambda members: frozenset(map(int, members)),
    "SS": frozenset,
    "M": plain,
    "L": lambda members: [value_of(each) for each in members],
}


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970; what is finer is cut off."""
    return (moment - EPOCH) // _MILLISECOND


def moment_of(epoch_ms: int) -> datetime:
    """The way back, without the rounding of floats."""
    return EPOCH + timedelta(milliseconds=epoch_ms)
