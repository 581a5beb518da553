"""Records as items: nothing is lost, defaults are not stored, and items stay small."""

from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratekeeper.adapters.dynamodb.attributes import attribute, milliseconds, moment_of, value_of
from cratekeeper.adapters.dynamodb.codec import attributes_of, decode, encode
from cratekeeper.adapters.dynamodb.forms import EVENT, TALLY, UPLOAD
from cratekeeper.domain import transitions
from cratekeeper.domain.events import Event, EventType
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.ids import Key
from cratekeeper.domain.lanes import Lane, Rank, Waiting
from cratekeeper.domain.models import Chunk, Download, Tally, Upload
from cratekeeper.domain.progress import outcome
from cratekeeper.domain.retry import Counts, RetryAt
from cratekeeper.domain.states import State
from cratekeeper.domain.writes import Stored, applied
from tests.contract import strategies
from tests.contract.samples import SOON, a_child, a_medium, a_root
from tests.contract.sizes import item_size
from tests.memory.samples import content_id
from tests.memory.virtual import START

ROOT = "01M7YHX30000003NNNJ5E4C1B2"


@given(record=strategies.downloads() | strategies.chunks())
def test_nothing_is_lost(record: Stored) -> None:
    assert decode(encode(record)) == record


def test_what_an_absent_attribute_means() -> None:
    """Changing a default would change what stored items mean: such items must be rewritten first."""
    item = encode(a_root(ROOT, due_at=None, waiting=None, seq=0, event=None))
    assert set(item) == {"pk", "sk", "sp", "k", "c", "u", "ca", "ua"}
    nothing, none = frozenset[int](), None
    expected = {"source": "USER", "lane": 2, "state": "PENDING", "max_retries": 5}
    expected |= dict.fromkeys(("force", "stored", "counted", "partial", "expanded"), False)
    expected |= dict.fromkeys(("open", "held", "failed", "cancelled", "open_chunks"), nothing)
    expected |= dict.fromkeys(("epoch", "round", "attempts", "retry_count", "busy_count", "corrupt_count"), 0)
    expected |= dict.fromkeys(("lease_losses", "total", "cursor", "bytes_done", "seq"), 0)
    found = decode(item)
    assert isinstance(found, Download)
    stored = {"id", "kind", "content_id", "requested_by", "created_at", "updated_at"}
    for each in fields(Download):
        if each.name not in stored:
            assert getattr(found, each.name) == expected.get(each.name, none), each.name


def test_a_change_that_only_looks_like_a_default_is_stored() -> None:
    assert attributes_of("max_retries", 0, Key(ROOT, "D")) == {"mr": {"N": "0"}}
    assert attributes_of("max_retries", 5, Key(ROOT, "D")) == {"mr": None}
    assert attributes_of("content_name", "", Key(ROOT, "D")) == {"cn": {"S": ""}}
    assert attributes_of("lane", Lane.NORMAL, Key(ROOT, "D")) == {"l": None}


def test_values_inside_a_record_leave_out_their_defaults() -> None:
    assert EVENT.store(Event(type=EventType.DOWNLOAD_STARTED, at=START)) == {
        "t": "DOWNLOAD_STARTED",
        "a": milliseconds(START),
    }
    assert UPLOAD.store(Upload(key="k", upload_id="u")) == {"k": "k", "i": "u"}
    assert TALLY.store(Tally()) == {}


def test_a_field_that_no_record_has_is_an_error() -> None:
    with pytest.raises(KeyError):
        attributes_of("colour", "red", Key(ROOT, "D"))


@pytest.mark.parametrize(
    ("field", "value", "root", "child"),
    [
        ("state", State.PENDING, {"st": None, "sp": "PENDING#2"}, {"st": None}),
        ("state", State.FAILED, {"st": "FAILED", "sp": "FAILED#2"}, {"st": "FAILED"}),
        ("due_at", START, {"dt": 1795248000000, "dp": "2"}, {"dt": 1795248000000}),
        ("due_at", None, {"dt": None, "dp": None}, {"dt": None}),
        ("waiting", None, {"wk": None, "wp": None}, {"wk": None}),
        ("waiting", Waiting(Lane.HIGH, Rank.ROOT), {"wk": f"11#{ROOT}", "wp": "w"}, {"wk": f"11#{ROOT}"}),
        ("waiting", Waiting(Lane.LOW, Rank.CHILDREN), {"wk": f"30#{ROOT}", "wp": "w"}, {"wk": f"30#{ROOT}"}),
        ("waiting", Waiting(Lane.LOW, Rank.PARKED), {"wk": f"P3#{ROOT}", "wp": "w"}, {"wk": f"P3#{ROOT}"}),
        ("requested_by", "alice", {"u": "alice"}, {"o": "alice"}),
    ],
)
def test_only_roots_have_keys_of_indexes(
    field: str, value: object, root: dict[str, object], child: dict[str, object]
) -> None:
    for part, expected in (("D", root), ("C#00001", child)):
        found = attributes_of(field, value, Key(ROOT, part))
        assert {name: value_of(each) if each else None for name, each in found.items()} == expected


def test_where_records_live() -> None:
    assert encode(a_root(ROOT))["pk"] == encode(a_child(ROOT, 3))["pk"] == {"S": f"D#{ROOT}"}
    assert encode(a_root(ROOT))["sk"] == {"S": "D"}
    assert encode(a_child(ROOT, 3))["sk"] == {"S": "C#00003"}
    assert encode(Chunk(root=ROOT, number=3))["sk"] == {"S": "S#00003"}


@pytest.mark.parametrize(
    "keys", [("L#album#x", "L"), ("U#alice", "U"), ("CTL", "CTL"), (f"D#{ROOT}", "~P#00001#00000")]
)
def test_other_records_are_no_downloads(keys: tuple[str, str]) -> None:
    assert decode({"pk": {"S": keys[0]}, "sk": {"S": keys[1]}}) is None


def test_attributes_of_a_later_version_are_passed_over() -> None:
    root = a_root()
    assert decode(encode(root) | {"zz": {"S": "new"}}) == root


@given(strategies.moments)
def test_times_keep_their_milliseconds(moment: datetime) -> None:
    assert moment_of(milliseconds(moment)) == moment


def test_times_are_cut_to_milliseconds() -> None:
    assert milliseconds(datetime(1970, 1, 1, 0, 0, 1, 999_999, tzinfo=UTC)) == 1_999


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.frozensets(st.integers(), min_size=1),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=9,
    )
)
def test_plain_values_come_back(value: object) -> None:
    assert value_of(attribute(value)) == value


@pytest.mark.parametrize("value", [1.5, {1, 2}, b"x", object(), [1.5]])
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(TypeError):
        attribute(value)


def a_long_named_child() -> Download:
    return a_child(
        ROOT,
        14,
        content_id=content_id("t"),
        content_name="The Long and Winding Title of a Song (Remastered)",
        artist_name="An Orchestra of Many Words",
        requested_by="8f14e45f-ceea-467f-9575-6d2f5a1b2c3d",
    )


def test_a_typical_child_stays_below_700_bytes() -> None:
    child = a_long_named_child()
    claimed = applied(child, transitions.claim(child, lease_until=SOON, owner="n" * 12, now=START))
    retry = RetryAt(SOON, Counts(retries=1))
    message = "the provider closed the connection before the whole body had come"
    waits = applied(claimed, transitions.wait(claimed, ErrorType.CONNECTION, message, retry=retry, now=START))
    done = applied(claimed, transitions.finish(claimed, a_medium(child.content_id), now=SOON))
    sizes = [item_size(encode(each)) for each in (child, claimed, waits, done)]
    assert max(sizes) <= 700


def test_a_root_of_14_stays_below_1000_bytes() -> None:
    root = a_root(ROOT, content_name="The Long Title of an Album (Deluxe Edition)", artist_name="An Orchestra")
    claimed = applied(root, transitions.claim(root, lease_until=SOON, owner="n" * 12, now=START, counted=True))
    step = transitions.Step(14, 14)
    expanded = applied(claimed, transitions.expand(claimed, step, now=START, next_visit=SOON))
    held = replace(expanded, held=frozenset(range(1, 8)), failed=frozenset({1, 2}))
    ends = outcome(replace(expanded, open=frozenset(), failed=frozenset({2})))
    assert ends is not None
    ended = applied(expanded, transitions.end_album(expanded, ends, now=SOON))
    assert ended.final == Tally(completed=13, failed=1)
    sizes = [item_size(encode(each)) for each in (root, claimed, expanded, held, ended)]
    assert max(sizes) <= 1000
