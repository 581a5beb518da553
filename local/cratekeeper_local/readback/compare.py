"""Whether what is there has everything that was asked for."""

from collections.abc import Iterator, Mapping
from typing import Any

from cratekeeper_local.intrinsics import UNKNOWN


def differences(expected: Any, actual: Any, path: str = "") -> Iterator[str]:
    """Paths at which `actual` lacks or contradicts `expected`; more than was asked for is no difference.

    Lists are compared without regard to order; 5, "5" and True, "true" are equal, as the services
    give numbers and booleans back in either form.
    """
    if expected is UNKNOWN:
        if actual in (None, ""):
            yield path
    elif isinstance(expected, Mapping):
        yield from _in_mapping(expected, actual if isinstance(actual, Mapping) else {}, path)
    elif isinstance(expected, list):
        if not _same_members(expected, actual):
            yield path
    elif _plain(expected) != _plain(actual):
        yield path


def _in_mapping(expected: Mapping[str, Any], actual: Mapping[str, Any], path: str) -> Iterator[str]:
    for name, value in expected.items():
        yield from differences(value, actual.get(name), f"{path}.{name}" if path else name)


def _same_members(expected: list[Any], actual: object) -> bool:
    if not isinstance(actual, list) or len(actual) != len(expected):
        return False
    left = list(actual)
    for wanted in expected:
        at = next((index for index, found in enumerate(left) if not list(differences(wanted, found))), None)
        if at is None:
            return False
        del left[at]
    return True


def _plain(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).lower() if isinstance(value, bool) else str(value)
