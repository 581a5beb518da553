"""The merge-join of bucket and catalog."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratekeeper.domain.models import Kind
from cratekeeper.domain.reconcile import SHARDS, ExpectedObject, Finding, Flaw, Join, StoredObject, stem

KEYS = [f"audio/{letter}{number}.mp3" for letter in "ab" for number in range(6)]
SIZES = st.integers(1, 3)
CONTENTS = st.dictionaries(st.sampled_from(KEYS), SIZES)


def row(key: str, size_bytes: int | None = 1) -> ExpectedObject:
    return ExpectedObject(key, size_bytes, Kind.TRACK, stem(key).partition("/")[2])


def found(stored: dict[str, int], expected: list[ExpectedObject], *, page: int = 1000) -> list[Finding]:
    """All findings of a shard whose listing comes in pages of that size."""
    objects = [StoredObject(key, stored[key]) for key in sorted(stored)]
    pages = [objects[start : start + page] for start in range(0, len(objects), page)] or [[]]
    join = Join(iter(expected))
    return [each for number, some in enumerate(pages, 1) for each in join.page(some, is_last=number == len(pages))]


@given(stored=CONTENTS, wanted=CONTENTS, page=st.integers(1, 5))
def test_every_difference_is_found_once_however_the_pages_are_cut(
    stored: dict[str, int], wanted: dict[str, int], page: int
) -> None:
    findings = found(stored, [row(key, wanted[key]) for key in sorted(wanted)], page=page)
    by_flaw = {flaw: sorted(each.key for each in findings if each.flaw is flaw) for flaw in Flaw}
    assert by_flaw == {
        Flaw.MISSING: sorted(wanted.keys() - stored.keys()),
        Flaw.ORPHANED: sorted(stored.keys() - wanted.keys()),
        Flaw.TRUNCATED: sorted(key for key in wanted.keys() & stored.keys() if wanted[key] != stored[key]),
    }


@given(stored=CONTENTS, wanted=CONTENTS, cut=st.integers(0, 12))
def test_a_join_that_goes_on_finds_what_one_in_one_go_does(
    stored: dict[str, int], wanted: dict[str, int], cut: int
) -> None:
    rows = [row(key, wanted[key]) for key in sorted(wanted)]
    objects = [StoredObject(key, stored[key]) for key in sorted(stored)]
    whole = Join(iter(rows)).page(objects, is_last=True)
    first, rest = objects[:cut], objects[cut:]
    if not first or not rest:
        return
    after = first[-1].key
    begun = Join(iter(rows)).page(first, is_last=False)
    again = Join(iter([each for each in rows if each.key >= stem(after)]), after=after).page(rest, is_last=True)
    assert begun + again == whole


def test_a_row_that_was_never_stored_is_missing_whatever_has_its_name() -> None:
    findings = found({"audio/a1.mp3": 5}, [row("audio/a1", None)])
    assert [(each.flaw, each.key) for each in findings] == [
        (Flaw.MISSING, "audio/a1"),
        (Flaw.ORPHANED, "audio/a1.mp3"),
    ]


def test_a_size_that_nobody_knows_is_no_flaw() -> None:
    assert found({"audio/a1.mp3": 5}, [row("audio/a1.mp3", None)]) == []


def test_rows_are_read_as_the_pages_come() -> None:
    read = []

    def rows() -> Iterator[ExpectedObject]:
        for key in KEYS:
            read.append(key)
            yield row(key)

    join = Join(rows())
    join.page([StoredObject(KEYS[0], 1), StoredObject(KEYS[1], 1)], is_last=False)
    assert len(read) == 3
    assert join.seen == 2


@pytest.mark.parametrize("key", ["audio/4u7EnebtmKWzUH433cf5Qv.mp3", "images/0a.jpg", "audio/zZ.ogg"])
def test_every_media_key_is_in_one_shard(key: str) -> None:
    assert len([shard for shard in SHARDS if key.startswith(shard)]) == 1


def test_shards_follow_each_other_in_key_order() -> None:
    assert list(SHARDS) == sorted(SHARDS)
    assert len(SHARDS) == 62 + 16
