import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cratekeeper.domain.ids import (
    CHUNK,
    MAX_CHILDREN,
    SHARDS,
    Key,
    child_id,
    chunk_key,
    chunk_of,
    chunk_range,
    is_download_id,
    key_of,
    parent_of,
    plan_key,
    root_of,
    shard_of,
    split,
)
from tests.memory.virtual import CROCKFORD
from tests.support.builders import ROOT

FEW = settings(max_examples=30)
ROOTS = st.builds(str.__add__, st.sampled_from("01234567"), st.text(CROCKFORD, min_size=25, max_size=25))
ORDINALS = st.integers(1, 99_999)


@FEW
@given(ROOTS)
def test_a_root_is_told_apart_from_a_child(root: str) -> None:
    assert is_download_id(root)
    assert split(root) == (root, None)
    assert (root_of(root), parent_of(root)) == (root, None)


@FEW
@given(ROOTS, ORDINALS)
def test_a_childs_id_holds_its_root_and_ordinal(root: str, ordinal: int) -> None:
    child = child_id(root, ordinal)
    assert is_download_id(child)
    assert split(child) == (root, ordinal)
    assert root_of(child) == parent_of(child) == root


@pytest.mark.parametrize(
    "text",
    [
        "",
        ROOT[1:],
        f"{ROOT}0",
        f"8{ROOT[1:]}",
        ROOT.lower(),
        f"{ROOT[:-1]}U",
        f"{ROOT}-",
        f"{ROOT}-0",
        f"{ROOT}-01",
        f"{ROOT}-100000",
        f"{ROOT}-1\n",
        f"{ROOT}-1-1",
        f"{ROOT}-\u0661",
        "queue",
    ],
)
def test_nothing_else_is_a_download_id(text: str) -> None:
    assert not is_download_id(text)


@FEW
@given(st.text(string.printable, max_size=32))
def test_a_text_that_is_an_id_can_be_split_and_put_together(text: str) -> None:
    if is_download_id(text):
        root, ordinal = split(text)
        assert text == (root if ordinal is None else child_id(root, ordinal))


@FEW
@given(ROOTS, st.sets(ORDINALS, min_size=2))
def test_keys_of_children_are_in_album_order(root: str, ordinals: set[int]) -> None:
    parts = [key_of(child_id(root, ordinal)).part for ordinal in sorted(ordinals)]
    assert parts == sorted(parts)
    assert len(set(parts)) == len(ordinals)


@FEW
@given(ROOTS, ORDINALS)
def test_a_family_lives_in_its_roots_partition(root: str, ordinal: int) -> None:
    keys = key_of(root), key_of(child_id(root, ordinal)), chunk_key(root, 1), plan_key(root, 2, 3)
    assert {key.root for key in keys} == {root}
    assert len({key.part for key in keys}) == 4


def test_the_first_chunk_is_part_of_the_root() -> None:
    assert chunk_key(ROOT, 0) == key_of(ROOT) == Key(ROOT, "D")


@FEW
@given(st.integers(0, MAX_CHILDREN))
def test_chunks_hold_each_ordinal_of_a_family_once(total: int) -> None:
    chunks = [chunk_range(number, total) for number in range(chunk_of(max(total, 1)) + 1)]
    assert [ordinal for chunk in chunks for ordinal in chunk] == [*range(1, total + 1)]
    assert all(len(chunk) <= CHUNK for chunk in chunks)


@FEW
@given(st.integers(1, MAX_CHILDREN))
def test_an_ordinal_is_in_its_own_chunk(ordinal: int) -> None:
    assert ordinal in chunk_range(chunk_of(ordinal), MAX_CHILDREN)


def test_a_chunk_its_set_item_and_the_root_fill_one_transaction() -> None:
    assert CHUNK + 2 == 100
    assert chunk_of(MAX_CHILDREN) + 1 == 100


@FEW
@given(ROOTS)
def test_a_root_has_one_of_the_shards(root: str) -> None:
    assert shard_of(root) in range(SHARDS)


def test_the_digits_of_an_id_are_spread_evenly_over_the_shards() -> None:
    shards = [shard_of(ROOT[:-1] + digit) for digit in CROCKFORD]
    counts = [shards.count(shard) for shard in range(SHARDS)]
    assert max(counts) - min(counts) <= 2
