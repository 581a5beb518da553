"""What CloudWatch gets by itself on AWS: metrics out of the functions' log lines, and the lengths of queues."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from cratekeeper_local.aws import Aws

PERIOD_S: Final = 5.0
"""Between two looks; a dashboard's finest period is a minute."""

_MOST: Final = 500
"""Figures in one call: it takes 1,000, and 1 MB."""
_STOP_LIMIT_S: Final = 5.0
_MARK: Final = '"_aws"'


@contextmanager
def collecting(aws: Aws, logs: Path, queues: Mapping[str, str], *, warn: Callable[[str], None]) -> Iterator[None]:
    """Collect for the length of the block. `queues`: names to URLs. Trouble is told once."""
    ended, reader = threading.Event(), Reader(logs)
    reader.skip()

    def collect() -> None:
        is_told = False
        while True:
            is_last = ended.wait(PERIOD_S)
            try:
                publish(aws, reader.read())
                publish(aws, lengths(aws, queues))
            except (BotoCoreError, ClientError) as error:
                if not (is_told or is_last):
                    warn(f"metrics: {' '.join(str(error).split())}")
                is_told = True
            if is_last:
                return

    thread = threading.Thread(target=collect, daemon=True, name="metrics")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(_STOP_LIMIT_S)


class Reader:
    """Reads what was added to the log files of a folder since it last looked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}

    def skip(self) -> None:
        """Pass over what is there."""
        self._read = {path: path.stat().st_size for path in self._folder.glob("*.log")}

    def read(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Each figure that was told: namespace, and the datum for CloudWatch."""
        for path in sorted(self._folder.glob("*.log")):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                added = file.read()
            whole = added[: added.rfind(b"\n") + 1]  # the last line may still be on its way
            self._read[path] = self._read.get(path, 0) + len(whole)
            for line in whole.decode("utf-8", "replace").splitlines():
                if _MARK in line:
                    yield from figures_in(line)


def figures_in(line: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The figures of a line in the embedded metric format; none of any other line."""
    try:
        told = json.loads(line)
        directives = told["_aws"]["CloudWatchMetrics"]
        at = datetime.fromtimestamp(told["_aws"]["Timestamp"] / 1000, UTC)
    except (KeyError, TypeError, ValueError):
        return
    for directive in directives:
        for dimensions in directive["Dimensions"]:
            named = [{"Name": name, "Value": str(told[name])} for name in dimensions]
            for metric in directive["Metrics"]:
                values = told[metric["Name"]]
                yield (
                    directive["Namespace"],
                    {
                        "MetricName": metric["Name"],
                        "Dimensions": named,
                        "Timestamp": at,
                        "Unit": metric["Unit"],
                        "Values": values if isinstance(values, list) else [values],
                    },
                )


def lengths(aws: Aws, queues: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """How many messages wait in each queue."""
    for name, url in queues.items():
        asked = aws.queues.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        yield (
            "AWS/SQS",
            {
                "MetricName": "ApproximateNumberOfMessagesVisible",
                "Dimensions": [{"Name": "QueueName", "Value": name}],
                "Unit": "Count",
                "Values": [float(asked["Attributes"]["ApproximateNumberOfMessages"])],
            },
        )


def publish(aws: Aws, figures: Iterator[tuple[str, dict[str, Any]]]) -> None:
    """Hand figures over, namespace by namespace."""
    by_namespace: dict[str, list[Any]] = {}
    for namespace, datum in figures:
        by_namespace.setdefault(namespace, []).append(datum)
    for namespace, data in by_namespace.items():
        for start in range(0, len(data), _MOST):
            aws.alarms.put_metric_data(Namespace=namespace, MetricData=data[start : start + _MOST])
