import pytest

from cratekeeper.domain.ids import child_id, chunk_key
from cratekeeper.domain.models import Family, Kind, Usage
from cratekeeper.domain.retry import Counts
from cratekeeper.domain.states import State
from tests.support.builders import NOW, ROOT, Values, a_child, a_chunk, a_download, a_running, an_album, at


@pytest.mark.case("T-10")
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"state": State.PENDING}, True),
        ({"state": State.PENDING, "parked_until": at(0)}, True),
        ({"state": State.PENDING, "parked_until": at(1)}, False),
        ({"state": State.RETRY_WAITING, "next_retry_at": None}, True),
        ({"state": State.RETRY_WAITING, "next_retry_at": at(-1)}, True),
        ({"state": State.RETRY_WAITING, "next_retry_at": at(0)}, True),
        ({"state": State.RETRY_WAITING, "next_retry_at": at(1)}, False),
        ({"state": State.IN_PROGRESS, "lease_until": at(-0.001)}, True),
        ({"state": State.IN_PROGRESS, "lease_until": at(0)}, False),
        ({"state": State.IN_PROGRESS, "lease_until": None}, False),
        ({"state": State.PAUSED}, False),
        ({"state": State.COMPLETED}, False),
        ({"state": State.FAILED}, False),
        ({"state": State.CANCELLED}, False),
    ],
)
def test_what_may_be_claimed(fields: Values, expected: bool) -> None:
    assert a_download(**fields).is_claimable(NOW) is expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, True),
        ({"expanded": False}, False),
        ({"lease_until": at(60)}, False),
        ({"state": State.PENDING}, False),
        ({"state": State.COMPLETED}, False),
    ],
)
def test_an_album_awaits_its_children_without_a_lease(fields: Values, expected: bool) -> None:
    assert an_album(**fields).awaits_children is expected


def test_a_root_has_no_parent_and_a_child_its_root() -> None:
    assert (a_download().is_root, a_download().parent_id) == (True, None)
    assert (a_child(7).is_root, a_child(7).parent_id) == (False, ROOT)


@pytest.mark.parametrize("state", State)
def test_three_states_are_terminal(state: State) -> None:
    assert a_download(state=state).is_terminal is (state in {State.COMPLETED, State.FAILED, State.CANCELLED})


def test_the_retry_policy_sees_an_items_own_counts() -> None:
    item = a_running(retry_count=1, busy_count=2, corrupt_count=3)
    assert item.counts == Counts(retries=1, busy=2, corrupt=3)


def test_records_live_in_their_roots_partition() -> None:
    assert a_chunk(2).key == chunk_key(ROOT, 2)
    assert a_child(7).key == (ROOT, "C#00007")
    assert a_child(7).id == child_id(ROOT, 7)


def test_a_family_knows_who_holds_a_chunks_sets() -> None:
    root, chunk = an_album(120, kind=Kind.ALBUM), a_chunk(1)
    family = Family(root=root, chunks=(chunk,), children=())
    assert family.holders == (root, chunk)
    assert (family.sets_of(0), family.sets_of(1)) == (root, chunk)
    with pytest.raises(KeyError):
        family.sets_of(2)


@pytest.mark.case("L-07")
def test_requests_count_on_their_own_day_alone() -> None:
    usage = Usage(user_id="alice", day="2026-11-21", requests=7)
    assert usage.requests_on("2026-11-21") == 7
    assert usage.requests_on("2026-11-22") == 0
