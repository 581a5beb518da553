"""Listings of the bucket, and what the catalog expects: in one order, whole, and cheap."""

from datetime import timedelta
from itertools import count

import pytest

from cratekeeper.adapters.dynamodb.catalog import DynamoCatalog
from cratekeeper.adapters.dynamodb.expected import DynamoExpectedMedia
from cratekeeper.adapters.dynamodb.history import DynamoHistory
from cratekeeper.adapters.dynamodb.patience import Patience
from cratekeeper.adapters.dynamodb.store import DynamoDownloadStore
from cratekeeper.adapters.dynamodb.upkeep import DynamoOldHistory, DynamoUsageRecords
from cratekeeper.adapters.inventory import S3Inventory
from cratekeeper.adapters.lean import lean
from cratekeeper.adapters.starter import LambdaStarter
from cratekeeper.domain.catalog import MediaRow
from cratekeeper.domain.media import audio_key, image_key
from cratekeeper.domain.models import Kind, Media, Usage
from cratekeeper.domain.reconcile import SHARDS, ExpectedObject, StoredObject
from cratekeeper.domain.writes import Create, TakeLock, TakeSlot
from cratekeeper.ports import CatalogStore
from cratekeeper.ports.upkeep import ExpectedMedia, HeldLock, Inventory
from tests.contract.conftest import LIMIT, Tables
from tests.contract.emulator import Emulator, a_core
from tests.contract.samples import a_root
from tests.memory.catalog import MemoryCatalog
from tests.memory.media import MemoryMedia
from tests.memory.samples import content_id, image_id
from tests.memory.upkeep import MemoryExpectedMedia, MemoryInventory
from tests.memory.virtual import START, VirtualClock
from tests.support.builders import an_entry, an_event

_numbers = count(1)
OBJECTS = {
    "audio/0a.mp3": b"one",
    "audio/0b é&.mp3": b"two!",
    "audio/0c.mp3": b"",
    "audio/1a.mp3": b"x",
    "images/0a.jpg": b"y",
}


@pytest.fixture
def inventory(backend: str, request: pytest.FixtureRequest) -> Inventory:
    if backend == "memory":
        media = MemoryMedia(VirtualClock())
        for key, body in OBJECTS.items():
            media.place(key, body, "audio/mpeg")
        media.begin("audio/0d.mp3", content_type="audio/mpeg")
        return MemoryInventory(media)
    emulator: Emulator = request.getfixturevalue("emulator")
    bucket = f"listed-{next(_numbers)}"
    emulator.aws.s3.create_bucket(Bucket=bucket)
    for key, body in OBJECTS.items():
        emulator.aws.s3.put_object(Bucket=bucket, Key=key, Body=body)
    emulator.aws.s3.create_multipart_upload(Bucket=bucket, Key="audio/0d.mp3")
    return S3Inventory(lean(a_core(emulator.url)).s3, bucket)


def listed(inventory: Inventory, prefix: str, after: str = "") -> list[StoredObject]:
    return [each for page in inventory.objects(prefix, after=after) for each in page]


def test_a_listing_is_of_one_prefix_in_key_order(inventory: Inventory) -> None:
    assert listed(inventory, "audio/0") == [StoredObject(key, len(OBJECTS[key])) for key in sorted(OBJECTS)[:3]]
    assert listed(inventory, "audio/0", after="audio/0a.mp3") == listed(inventory, "audio/0")[1:]
    assert listed(inventory, "audio/2") == []


def test_one_object_is_found_by_its_whole_key(inventory: Inventory) -> None:
    assert inventory.find("audio/0a.mp3") == StoredObject("audio/0a.mp3", 3)
    assert inventory.find("audio/0a") is None
    assert inventory.find("audio/9.mp3") is None


def test_open_uploads_are_listed_with_their_begin(inventory: Inventory) -> None:
    (found,) = inventory.uploads()
    assert found.key == "audio/0d.mp3"
    assert found.begun_at.utcoffset() == timedelta(0)
    assert found.upload_id


def test_a_page_is_a_thousand_objects(emulator: Emulator) -> None:
    bucket = f"listed-{next(_numbers)}"
    emulator.aws.s3.create_bucket(Bucket=bucket)
    for number in range(1001):
        emulator.aws.s3.put_object(Bucket=bucket, Key=f"audio/{number:04}", Body=b"")
    found = [len(page) for page in S3Inventory(lean(a_core(emulator.url)).s3, bucket).objects("audio/")]
    assert found == [1000, 1]


ROWS = [(Kind.TRACK, content_id(f"track {number}")) for number in range(12)]
ROWS += [(Kind.ALBUM_IMAGE, image_id("cover")), (Kind.ARTIST_IMAGE, image_id("portrait"))]


@pytest.fixture
def expected(backend: str, request: pytest.FixtureRequest, patience: Patience) -> ExpectedMedia:
    if backend == "memory":
        catalog = MemoryCatalog()
        fill(catalog)
        return MemoryExpectedMedia(catalog)
    emulator: Emulator = request.getfixturevalue("emulator")
    tables: Tables = request.getfixturevalue("tables")
    fill(DynamoCatalog(emulator.aws.dynamodb, tables.catalog, patience=patience))
    return DynamoExpectedMedia(lean(a_core(emulator.url)).dynamodb, tables.catalog)


def a_media(kind: Kind, each: str) -> Media:
    key = audio_key(each, "audio/flac") if kind is Kind.TRACK else image_key(each)
    return Media(key=key, size_bytes=31_457_280, sha256="5e" * 32, content_type="audio/flac")


def fill(catalog: CatalogStore) -> None:
    for kind, each in ROWS:
        catalog.record(MediaRow(content_id=each, kind=kind, media=a_media(kind, each)))
    catalog.give_up(Kind.TRACK, "z" * 22)


def test_every_row_is_in_one_shard_in_the_order_of_keys(expected: ExpectedMedia) -> None:
    shards = [list(expected.expected(shard)) for shard in SHARDS]
    rows = [row for shard in shards for row in shard]
    assert [row.key for row in rows] == sorted(row.key for row in rows)
    assert {(row.kind, row.content_id) for row in rows} == {*ROWS, (Kind.TRACK, "z" * 22)}
    assert rows[-3] == ExpectedObject(f"audio/{'z' * 22}", None, Kind.TRACK, "z" * 22)
    known = {row.content_id: row for row in rows}
    for kind, each in ROWS:
        medium = a_media(kind, each)
        assert known[each] == ExpectedObject(medium.key, medium.size_bytes, kind, each)


def test_a_shard_begins_where_it_is_told(expected: ExpectedMedia) -> None:
    shard = f"audio/{ROWS[0][1][0]}"
    rows = list(expected.expected(shard))
    for number, row in enumerate(rows):
        assert list(expected.expected(shard, start=row.key.partition(".")[0])) == rows[number:]


def test_usage_and_locks_are_found_among_everything(emulator: Emulator, tables: Tables, patience: Patience) -> None:
    store = DynamoDownloadStore(emulator.aws.dynamodb, tables.queue, patience=patience, default_limit=LIMIT)
    root = a_root()
    slot = TakeSlot(user_id="alice", root=root.id, day="2026-11-21", known_day="", max_active=9, max_requests=9)
    store.commit(Create(root), TakeLock(root.kind, root.content_id, root.id), slot)
    claims = list(DynamoUsageRecords(emulator.aws.dynamodb, tables.queue).claims())
    assert sorted(claims, key=str) == sorted(
        [
            HeldLock(root.kind, root.content_id, root.id),
            Usage(user_id="alice", day="2026-11-21", requests=1, active=frozenset({root.id})),
        ],
        key=str,
    )


def test_old_history_is_found_by_day_and_removed(emulator: Emulator, tables: Tables, patience: Patience) -> None:
    client = emulator.aws.dynamodb
    history = DynamoHistory(client, tables.history, patience=patience, retention_days=None)
    entries = [an_entry(number + 1, event=an_event(at=START + timedelta(hours=number))) for number in range(30)]
    history.put(entries)
    old = DynamoOldHistory(client, tables.history, patience=patience)
    before = START + timedelta(hours=28)
    keys = [key for day in ("2026-11-21", "2026-11-22") for key in old.older_than(before, on_day=day)]
    assert len(keys) == 28
    old.remove(keys)
    old.remove(keys[:1])
    assert [each.seq for each in history.of_download(entries[0].download_id, after=0, limit=99)] == [29, 30]


def test_a_job_is_started_in_its_function(emulator: Emulator) -> None:
    starter = LambdaStarter(emulator.aws.functions, {"integrity_watchdog": "none-such"}, other="none-such-either")
    for job_id, name in (("integrity_watchdog", "none-such"), ("popular_content", "none-such-either")):
        with pytest.raises(emulator.aws.functions.exceptions.ResourceNotFoundException, match=name):
            starter.start(job_id, "01JD")
