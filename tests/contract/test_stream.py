"""Records of the queue table's stream, as the emulator writes them."""

from typing import Any

import pytest

from cratekeeper.adapters.dynamodb.stream import Seen, downloads_in
from cratekeeper.domain import transitions
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import Chunk, Download
from cratekeeper.domain.writes import Create, TakeCapacity, TakeLock
from tests.contract.conftest import Tables, queue_on
from tests.contract.emulator import Emulator
from tests.contract.samples import SOON, a_child, a_medium, a_root
from tests.memory.records import MemoryLog
from tests.memory.virtual import START


def records(emulator: Emulator, table: str) -> list[dict[str, Any]]:
    """Everything in the table's stream, oldest first."""
    streams = emulator.client("dynamodbstreams")
    arn = streams.list_streams(TableName=table)["Streams"][0]["StreamArn"]
    found: list[dict[str, Any]] = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found += streams.get_records(ShardIterator=iterator)["Records"]
    return found


def seen(emulator: Emulator, table: str) -> list[Seen]:
    log = MemoryLog()
    found = list(downloads_in(records(emulator, table), log=log))
    assert log.lines == []
    return found


def test_every_write_of_a_download_is_seen(emulator: Emulator, tables: Tables) -> None:
    store = queue_on(emulator, tables.queue).store
    root = a_root()
    child = a_child(root.id, 1)
    store.commit(Create(root), Create(child), TakeLock(root.kind, root.content_id, root.id))
    claimed = store.write(transitions.claim(child, lease_until=SOON, owner="me", now=START))
    assert isinstance(claimed, Download)
    done = store.write(transitions.finish(claimed, a_medium(child.content_id), now=SOON))
    assert seen(emulator, tables.queue) == [(None, root), (None, child), (child, claimed), (claimed, done)]


def test_a_deleted_download_is_seen(emulator: Emulator, tables: Tables) -> None:
    root = a_root()
    queue_on(emulator, tables.queue).store.commit(Create(root))
    key = {"pk": {"S": f"D#{root.id}"}, "sk": {"S": "D"}}
    emulator.client("dynamodb").delete_item(TableName=tables.queue, Key=key)
    assert seen(emulator, tables.queue) == [(None, root), (root, None)]


def test_other_records_are_passed_over(emulator: Emulator, tables: Tables) -> None:
    queue = queue_on(emulator, tables.queue)
    queue.store.commit(Create(Chunk(root=a_root().id, number=1)), TakeCapacity("D#2026-11-21", 3))
    queue.permits.unmark(["x"], Lane.LOW)
    assert len(records(emulator, tables.queue)) >= 2
    assert seen(emulator, tables.queue) == []


@pytest.mark.parametrize(
    "image",
    [
        {"pk": {"S": "D#01X"}, "sk": {"S": "D"}, "st": {"S": "UNHEARD_OF"}},
        {"pk": {"S": "D#01X"}, "sk": {"S": "D"}},
        {"pk": {"S": "D#01X"}, "sk": {"S": "C#one"}},
        {"pk": {"S": "D#01X"}, "sk": {"S": "D"}, "ca": {"S": "yesterday"}},
        {"pk": {"S": "D#01X"}, "sk": {"S": "D"}, "v": {"M": {}}},
        {"sk": {"S": "D"}},
    ],
)
def test_a_record_that_nobody_can_read_blocks_nothing(
    emulator: Emulator, tables: Tables, image: dict[str, Any]
) -> None:
    root, log = a_root(), MemoryLog()
    queue_on(emulator, tables.queue).store.commit(Create(root))
    good = records(emulator, tables.queue)
    bad = {"dynamodb": {"Keys": {"pk": {"S": "D#01X"}}, "NewImage": image}}
    assert list(downloads_in([bad, *good], log=log)) == [(None, root)]
    assert [line.action for line in log.lines] == ["record_unreadable"]
    assert log.lines[0].fields["keys"] == {"pk": {"S": "D#01X"}}
