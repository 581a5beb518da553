"""From method and path to the route: literal segments win over parameters, whatever the method."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple


class Found(NamedTuple):
    """What a path leads to: `methods` by name to the route's key; `parameters` of the path."""

    methods: Mapping[str, str]
    parameters: Mapping[str, str]


class _Pattern(NamedTuple):
    segments: tuple[str, ...]
    methods: Mapping[str, str]

    def parameters_in(self, segments: list[str]) -> dict[str, str] | None:
        """The parameters, if the path has this form; a parameter is never empty."""
        if len(segments) != len(self.segments):
            return None
        pairs = list(zip(self.segments, segments, strict=True))
        if any(not given if _is_parameter(wanted) else given != wanted for wanted, given in pairs):
            return None
        return {wanted[1:-1]: given for wanted, given in pairs if _is_parameter(wanted)}


def find(keys: Iterable[str], path: str) -> Found | None:
    """The most literal path of `keys` (such as `GET /v1/downloads/{id}`) that `path` has the form of.

    `/v1/downloads/batch` is never taken for an id, also when the method is wrong for it.
    """
    segments = path.split("/")
    for pattern in _patterns(tuple(keys)):
        parameters = pattern.parameters_in(segments)
        if parameters is not None:
            return Found(pattern.methods, parameters)
    return None


@lru_cache(maxsize=8)
def _patterns(keys: tuple[str, ...]) -> list[_Pattern]:
    """Paths with their methods, the most literal one first."""
    paths: dict[str, dict[str, str]] = {}
    for key in keys:
        method, _, path = key.partition(" ")
        paths.setdefault(path, {})[method] = key
    patterns = [_Pattern(tuple(path.split("/")), methods) for path, methods in paths.items()]
    return sorted(patterns, key=lambda pattern: [_is_parameter(segment) for segment in pattern.segments])


def _is_parameter(segment: str) -> bool:
    return segment.startswith("{")
