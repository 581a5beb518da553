"""Any change has the same effect in memory and on DynamoDB: the reading of `Change` is one."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cratekeeper.domain.errors import WriteRefused
from cratekeeper.domain.ids import plan_key
from cratekeeper.domain.models import PlanChunk
from cratekeeper.domain.writes import Change, Create, Pin, Stored
from cratekeeper.ports import DownloadStore
from tests.contract import strategies
from tests.contract.conftest import Tables, queue_in_memory, queue_on
from tests.contract.emulator import Emulator
from tests.contract.samples import an_id

SHARED_TABLE = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def both(emulator: Emulator, tables: Tables) -> tuple[DownloadStore, DownloadStore]:
    return queue_in_memory().store, queue_on(emulator, tables.queue).store


def outcome(store: DownloadStore, change: Change) -> tuple[str, object]:
    try:
        return "written", store.write(change)
    except WriteRefused as refused:
        return "refused", refused.current


@SHARED_TABLE
@given(record=strategies.downloads() | strategies.chunks(), data=st.data())
def test_a_change_reads_the_same(
    both: tuple[DownloadStore, DownloadStore], record: Stored, data: st.DataObject
) -> None:
    for store in both:
        store.commit(Create(record))
    for _ in range(2):
        current = both[0].get(record.key)[record.key]
        change = data.draw(strategies.changes(current))
        in_memory, on_dynamodb = (outcome(store, change) for store in both)
        assert on_dynamodb == in_memory
        assert both[1].get(record.key) == both[0].get(record.key)


@SHARED_TABLE
@given(record=strategies.downloads(), data=st.data())
def test_so_it_does_within_a_transaction(
    both: tuple[DownloadStore, DownloadStore], record: Stored, data: st.DataObject
) -> None:
    other = data.draw(strategies.chunks())
    for store in both:
        store.commit(Create(record), Create(other))
    writes = data.draw(strategies.changes(record)), data.draw(strategies.changes(other))
    found = []
    for store in both:
        try:
            store.commit(*writes)
        except WriteRefused as refused:
            found.append((refused.write, refused.current))
        else:
            found.append((None, None))
    assert found[1] == found[0]
    assert both[1].get(record.key, other.key) == both[0].get(record.key, other.key)


def test_a_change_of_anything_else_is_a_bug(emulator: Emulator, tables: Tables) -> None:
    store, root = queue_on(emulator, tables.queue).store, an_id()
    store.commit(Pin(PlanChunk(root=root, epoch=1, number=0, total=0, children=())))
    with pytest.raises(TypeError, match="no download"):
        store.write(Change(key=plan_key(root, 1, 0)))
