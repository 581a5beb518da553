"""Log lines: one JSON object per outcome, with `action` and ids as fields, never a secret. Metrics are lines too."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, TextIO

from cratekeeper.domain.metrics import Measure
from cratekeeper.domain.text import HIDDEN, without_secrets
from cratekeeper.ports import Clock

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
"""By severity."""

LONGEST: Final = 2_000
"""Characters of one text that are kept: what a provider says may be huge."""

_SECRET_NAMES: Final = re.compile(r"authorization|cookie|password|pepper|secret|token|(^|_)key(_hash)?$", re.IGNORECASE)
"""Fields that hold a secret by their name; an S3 key is logged as `object`, a key's id as `key_id`."""


class JsonLog:
    """The port `Log`: each line is one JSON object.

    Args:
        level: the least severe level that is written: DEBUG, INFO, WARNING, ERROR or CRITICAL.
        clock: for the timestamps.
        stream: where lines go; None = standard output, which the platform collects.
        fields: what every line carries, such as the function's name.

    """

    def __init__(
        self,
        level: str,
        *,
        clock: Clock,
        stream: TextIO | None = None,
        fields: Mapping[str, object] | None = None,
    ) -> None:
        if level not in LEVELS:
            raise ValueError(f"{level} is no log level; there are {', '.join(LEVELS)}")
        self._least = LEVELS.index(level)
        self._clock = clock
        self._stream = stream
        self._fields = dict(fields or {})

    def info(self, action: str, **fields: object) -> None:
        """Something happened as it should."""
        self._write("INFO", action, fields)

    def warning(self, action: str, **fields: object) -> None:
        """Something failed that the system heals by itself."""
        self._write("WARNING", action, fields)

    def _write(self, level: str, action: str, fields: Mapping[str, object]) -> None:
        """One write for the whole line: those of threads do not mix."""
        if LEVELS.index(level) < self._least:
            return
        line = {
            "timestamp": self._clock.now().isoformat(timespec="milliseconds"),
            "level": level,
            "action": action,
            **_without_secrets({**self._fields, **fields}),
        }
        stream = self._stream or sys.stdout
        stream.write(json.dumps(line, default=lambda value: _hide(str(value))) + "\n")
        stream.flush()


def _without_secrets(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: HIDDEN if _SECRET_NAMES.search(name) else _safe(value) for name, value in fields.items()}


def _safe(value: object) -> object:
    match value:
        case str():
            return _hide(value)
        case Mapping():
            return _without_secrets({str(name): each for name, each in value.items()})
        case Sequence() | frozenset():
            return [_safe(each) for each in value]
        case _:
            return value


def _hide(text: str) -> str:
    return without_secrets(text[: 4 * LONGEST])[:LONGEST]


MOST_VALUES: Final = 100
"""Values of one metric in one line, by the format."""


class EmfMetrics:
    """The port `Metrics` in the embedded metric format: lines of the log that CloudWatch makes metrics of.

    Args:
        namespace: of all metrics of the deployment; empty = there is nobody to tell.
        clock: for the timestamps.
        stream: as of JsonLog.

    """

    def __init__(self, namespace: str, *, clock: Clock, stream: TextIO | None = None) -> None:
        self._namespace = namespace
        self._clock = clock
        self._stream = stream

    def emit(self, *measures: Measure) -> None:
        """A line for all metrics that share the values of their dimensions."""
        groups: dict[tuple[tuple[str, str], ...], list[Measure]] = {}
        for measure in measures if self._namespace else ():
            groups.setdefault(tuple(sorted(measure.dimensions.items())), []).append(measure)
        stream = self._stream or sys.stdout
        for dimensions, group in groups.items():
            for start in range(0, max(len(each.values) for each in group), MOST_VALUES):
                stream.write(json.dumps(self._line(dict(dimensions), group, start)) + "\n")
        if groups:
            stream.flush()

    def _line(self, dimensions: dict[str, str], group: Sequence[Measure], start: int) -> dict[str, Any]:
        told = [each for each in group if len(each.values) > start]
        directive = {
            "Namespace": self._namespace,
            "Dimensions": [sorted(dimensions)],
            "Metrics": [{"Name": each.metric.name, "Unit": each.metric.unit} for each in told],
        }
        timestamp = int(self._clock.now().timestamp() * 1000)
        values = {each.metric.name: list(each.values[start : start + MOST_VALUES]) for each in told}
        return {"_aws": {"Timestamp": timestamp, "CloudWatchMetrics": [directive]}, **dimensions, **values}
