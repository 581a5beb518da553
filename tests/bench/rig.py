"""The product on the emulator, in this process: real adapters wired by `bootstrap`, every call metered.

The rig plays what AWS does between the functions: it receives and deletes messages as a queue's
mapping does, and hands on the records of the stream in batches.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from time import monotonic, sleep
from typing import Any, Final

from cratekeeper import bootstrap
from cratekeeper.api.records import messages
from cratekeeper.bootstrap import adapters
from cratekeeper.domain.access import Caller, Role
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import Download, Kind
from cratekeeper.services.requests import NewDownload
from tests.bench.meter import Meter
from tests.contract.emulator import REGION, ROOT_KEY, Emulator, a_session, create_table

TABLES: Final = ("queue", "catalog", "history", "identity")
ALICE: Final = Caller(user_id="alice", role=Role.USER)
INVOCATION_S: Final = 900
STREAM_BATCH: Final = 100
"""Stream records in a batch; a test holds it to the template."""

MESSAGE_BATCH: Final = 1
"""Messages in a batch; a test holds it to the template."""

MAPPING: Final = "mapping"
"""Phase of the requests that Lambda makes and bills, not we."""

_numbers = count(1)


@dataclass(slots=True)
class Rig:
    """A deployment of its own: fresh tables, queues, bucket and bus."""

    emulator: Emulator
    names: Mapping[str, str]
    meter: Meter
    mapping: Any
    """SQS as Lambda's mapping calls it."""

    _iterators: dict[str, str] = field(default_factory=dict)

    def request(self, content_id: str, *, kind: Kind = Kind.ALBUM, force: bool = False) -> Download:
        """Ask for an album or track as a caller does."""
        wanted = NewDownload(kind=kind, content_id=content_id, force=force)
        return bootstrap.requests().create(wanted, caller=ALICE)

    def receive(self, lane: Lane = Lane.NORMAL) -> dict[str, Any] | None:
        """One message of a lane as Lambda gets it; None if none is visible."""
        url = self.names[f"{lane.name}_QUEUE_URL"]
        answer = self.mapping.receive_message(QueueUrl=url, MaxNumberOfMessages=MESSAGE_BATCH, WaitTimeSeconds=0)
        found = answer.get("Messages", [])
        return {**found[0], "QueueUrl": url} if found else None

    def deliver(self, message: Mapping[str, Any], *, times: int = 1) -> None:
        """Hand a message to the worker as often as said, and delete it if it has been dealt with."""
        record = {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "eventSourceARN": f"arn:aws:sqs:{REGION}:000000000000:{message['QueueUrl'].rpartition('/')[2]}",
        }
        deadline = bootstrap.clock().now() + timedelta(seconds=INVOCATION_S)
        for _, each in messages({"Records": [record]}, bootstrap.lanes_by_queue()):
            outcomes = [bootstrap.deliver().run(each, deadline=deadline) for _ in range(times)]
            if all(outcomes):
                self.mapping.delete_message(QueueUrl=message["QueueUrl"], ReceiptHandle=message["ReceiptHandle"])

    def deliver_one(self) -> None:
        """Receive the next message and deliver it. Raises AssertionError if there is none."""
        message = self.receive()
        assert message, "no message is visible"
        self.deliver(message)

    def drain(self, *, times: int = 1, patience_s: float = 0) -> int:
        """Deliver one message after the other, each `times` times; returns how many there were.

        It ends when none is visible and none becomes so within `patience_s`.
        """
        delivered, end = 0, monotonic() + patience_s
        while (message := self.receive()) or monotonic() < end:
            if message is None:
                sleep(0.1)
                continue
            self.deliver(message, times=times)
            delivered += 1
        return delivered

    def project(self) -> int:
        """Hand on what the stream holds; returns the number of batches."""
        records = self._records()
        batches = [records[start : start + STREAM_BATCH] for start in range(0, len(records), STREAM_BATCH)]
        for batch in batches:
            bootstrap.project().run(bootstrap.changes({"Records": batch}))
        return len(batches)

    def _records(self) -> list[dict[str, Any]]:
        """The stream's records since the last call."""
        streams, found = self.emulator.client("dynamodbstreams"), []
        arn = self.emulator.aws.dynamodb.describe_table(TableName=self.names["QUEUE_TABLE"])["Table"]["LatestStreamArn"]
        for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
            name = shard["ShardId"]
            at = (
                self._iterators.get(name)
                or streams.get_shard_iterator(StreamArn=arn, ShardId=name, ShardIteratorType="TRIM_HORIZON")[
                    "ShardIterator"
                ]
            )
            while page := streams.get_records(ShardIterator=at):
                at = page["NextShardIterator"]
                found += page["Records"]
                if not page["Records"]:
                    break
            self._iterators[name] = at
        return found


@contextmanager
def deployed(emulator: Emulator, provider_url: str, *, is_metered: bool = True, **settings: str) -> Iterator[Rig]:
    """The product on fresh resources under these settings (`MAX_CONCURRENT_DOWNLOADS`, …)."""
    names = _resources(emulator)
    where = {
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ROOT_KEY,
        "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
        "LOG_LEVEL": "CRITICAL",
        "PROVIDER_URL": provider_url,
    }
    with environment({**where, **names, **settings}):
        meter = Meter(emulator.aws.dynamodb)
        mapping: Any = a_session(emulator.url).client("sqs")  # its own: others share those of the emulator
        if is_metered:
            meter.watch(*_clients().values())
            meter.watch(mapping, phase=MAPPING)
        yield Rig(emulator, names, meter, mapping)


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Whatever `bootstrap` builds meanwhile, it builds under these variables."""
    before = dict(os.environ)
    os.environ |= values
    _rebuild()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before
        _rebuild()


def _clients() -> dict[str, Any]:
    """The clients that `bootstrap` gives to the adapters."""
    aws = adapters.aws()
    return {name: getattr(aws, name) for name in ("dynamodb", "sqs", "s3", "events")}


def _rebuild() -> None:
    """Forget what was built under other settings."""
    modules = [module for name, module in sys.modules.items() if name.startswith(bootstrap.__name__)]
    for built in [each for module in modules for each in vars(module).values()]:
        if hasattr(built, "cache_clear"):
            built.cache_clear()


def _resources(emulator: Emulator) -> dict[str, str]:
    """Fresh resources; their names by the variable that a function finds them in."""
    number, sqs = next(_numbers), emulator.client("sqs")
    found = {
        f"{each.upper()}_TABLE": create_table(emulator.aws.dynamodb, f"bench-{each}-{number}", f"{each.title()}Table")
        for each in TABLES
    }
    for lane in Lane:
        url = sqs.create_queue(QueueName=f"bench-{lane.name.lower()}-{number}")["QueueUrl"]
        found[f"{lane.name}_QUEUE_URL"] = url
    emulator.aws.s3.create_bucket(Bucket=f"bench-media-{number}")
    emulator.aws.events.create_event_bus(Name=f"bench-bus-{number}")
    return found | {"MEDIA_BUCKET": f"bench-media-{number}", "EVENT_BUS_NAME": f"bench-bus-{number}"}
