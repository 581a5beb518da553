"""The price rules, each by a case worked by hand.

Sizes: an attribute counts its name and its value; text a byte a letter, a number one byte more than
half its digits. So `{"pk": "k", "x": "…"}` with n letters in x is 4 + n bytes.
"""

from typing import Any

import pytest

from tests.bench import rules
from tests.bench.rules import Index, Units

KB = 1024
DUE = Index(name="due", keys=("dp", "dt"), table_keys=("pk",))
ALL = Index(name="by_time", keys=("day",), table_keys=("pk",), also=None)


def an_item(size_bytes: int = 10, /, **attributes: str) -> dict[str, dict[str, Any]]:
    """An item of this size before the named text attributes come on top."""
    texts = {"pk": "k", "x": "." * (size_bytes - 4), **attributes}
    return {name: {"S": text} for name, text in texts.items()}


def test_the_size_of_an_item_is_names_and_values() -> None:
    item: dict[str, dict[str, Any]] = {
        "pk": {"S": "käse"},
        "n": {"N": "12345"},
        "on": {"BOOL": True},
        "set": {"NS": ["1", "22"]},
    }
    #       2 + 5                  1 + 4                2 + 1                 3 + 2 + 2
    assert rules.size_of(item) == 7 + 5 + 3 + 7


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (None, 10, 1),
        (None, KB, 1),
        (None, KB + 1, 2),
        (10, 3 * KB, 3),
        (3 * KB, 10, 3),  # the larger of the two, also when the item shrinks
        (2 * KB, None, 2),  # a delete
        (None, None, 1),  # a delete of nothing
    ],
)
def test_a_write_is_rounded_up_to_kilobytes_of_the_larger_image(
    before: int | None, after: int | None, units: int
) -> None:
    old, new = (an_item(size) if size else None for size in (before, after))
    assert rules.write_units(old, new) == units
    assert rules.transaction_units(old, new) == 2 * units


def test_a_repeated_transaction_reads_each_item_twice() -> None:
    assert rules.repeat_units(an_item(100)) == 2
    assert rules.repeat_units(an_item(4 * KB + 1)) == 4
    assert rules.repeat_units(None) == 2


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        ({}, {"dp": "1", "dt": "5"}, 1),  # put
        ({"dp": "1", "dt": "5"}, {}, 1),  # removed
        ({"dp": "1", "dt": "5"}, {"dp": "1", "dt": "6"}, 2),  # moved: one removed, one put
        ({"dp": "1", "dt": "5"}, {"dp": "1", "dt": "5", "state": "new"}, 0),  # nothing projected changes
        ({"dp": "1"}, {"dp": "2"}, 0),  # without all keys there is no entry
    ],
)
def test_an_index_costs_by_what_its_entry_does(before: dict[str, str], after: dict[str, str], units: int) -> None:
    assert rules.index_units(DUE, an_item(**before), an_item(**after)) == units


def test_an_index_that_projects_all_costs_with_every_change_and_by_its_size() -> None:
    before, after = an_item(2 * KB - 100, day="monday"), an_item(2 * KB - 100, day="monday", state="new")
    assert rules.index_units(ALL, None, before) == 2
    assert rules.index_units(ALL, before, after) == 2
    assert rules.index_units(ALL, before, before) == 0


def test_an_index_costs_for_a_projected_attribute_that_changes_in_its_place() -> None:
    index = Index(name="i", keys=("dp",), table_keys=("pk",), also=frozenset({"name"}))
    assert rules.index_units(index, an_item(dp="1", name="old"), an_item(dp="1", name="new")) == 1


@pytest.mark.parametrize(
    ("size_bytes", "strong", "eventual"),
    [(0, 1, 0.5), (4 * KB, 1, 0.5), (4 * KB + 1, 2, 1)],  # 0: a missing item costs a minimum read
)
def test_a_read_is_rounded_up_to_four_kilobytes(size_bytes: int, strong: float, eventual: float) -> None:
    assert rules.read_units(size_bytes, is_strong=True) == strong
    assert rules.read_units(size_bytes, is_strong=False) == eventual


def test_a_query_rounds_its_sum_and_a_batch_each_item() -> None:
    ten = [an_item(500)] * 10
    assert rules.query_units(ten, is_strong=True) == 2  # 5,000 bytes
    assert rules.batch_units([*ten, None], is_strong=True) == 11
    assert rules.query_units([], is_strong=False) == 0.5


@pytest.mark.parametrize(("size_bytes", "requests"), [(0, 1), (64 * KB, 1), (64 * KB + 1, 2), (256 * KB, 4)])
def test_a_queue_is_asked_once_for_each_64_kilobytes(size_bytes: int, requests: int) -> None:
    assert rules.queue_requests(size_bytes) == requests


def test_each_event_of_the_bus_is_rounded_by_itself() -> None:
    assert rules.event_units([100, 64 * KB, 64 * KB + 1]) == 4
    assert rules.event_units([]) == 0


@pytest.mark.parametrize(
    ("operation", "units"),
    [
        ("PutObject", Units(puts=1)),
        ("UploadPart", Units(puts=1)),  # each part is a PUT of its own
        ("CreateMultipartUpload", Units(puts=1)),
        ("CompleteMultipartUpload", Units(puts=1)),
        ("ListObjectsV2", Units(puts=1)),
        ("ListParts", Units(puts=1)),
        ("HeadObject", Units(gets=1)),
        ("GetObject", Units(gets=1)),
        ("DeleteObject", Units()),
        ("AbortMultipartUpload", Units()),
    ],
)
def test_objects_are_billed_by_class(operation: str, units: Units) -> None:
    assert rules.object_units(operation) == units


def test_what_has_no_price_is_not_free() -> None:
    with pytest.raises(KeyError):
        rules.object_units("SelectObjectContent")


def test_units_per_track_are_dollars_per_million_tracks() -> None:
    # 10 WRU 6.25, 4 RRU 0.50, 5 SQS requests 2.00, 1 PUT 5.00, 10 GETs 4.00, 2 events 2.00, an invocation 0.20,
    # three seconds of a quarter of a gigabyte 10.00
    units = Units(wru=10, rru=4, queue_requests=5, puts=1, gets=10, events=2, invocations=1, gb_s=0.75)
    assert units.dollars == pytest.approx(29.95, abs=0.01)
    assert (units + units).dollars == pytest.approx(2 * units.dollars)
