"""What an item counts for: the service's rule for its size in bytes."""

from collections.abc import Mapping
from typing import Any


def item_size(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Names and values of all attributes."""
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def value_size(value: Mapping[str, Any]) -> int:
    """One attribute value: text by UTF-8, numbers by pairs of digits, maps and lists with their overhead."""
    ((kind, stored),) = value.items()
    match kind:
        case "S":
            return len(stored.encode())
        case "N":
            return _number_size(stored)
        case "SS" | "NS":
            return sum(value_size({kind[0]: each}) for each in stored)
        case "L":
            return 3 + sum(1 + value_size(each) for each in stored)
        case "M":
            return 3 + sum(1 + len(name.encode()) + value_size(each) for name, each in stored.items())
        case _:
            return 1  # true, false and null


def _number_size(number: str) -> int:
    digits = number.lstrip("-").strip("0") or "0"
    return (len(digits) + 1) // 2 + 1 + number.startswith("-")
