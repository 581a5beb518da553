from dataclasses import fields, replace
from typing import get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cratekeeper.domain.models import NONE, Chunk, Download
from cratekeeper.domain.states import TERMINAL, State
from cratekeeper.domain.transitions import settle
from cratekeeper.domain.writes import Change, Fields, SetName, applied, holds
from tests.support.builders import a_child, a_chunk, a_download, an_album, an_event

NEVER_CHANGE = {
    "id", "kind", "content_id", "requested_by", "created_at", "source", "force", "stored",
}  # fmt: skip
BY_THE_WRITE_ITSELF = {"event", "seq"}

FEW = settings(max_examples=30)
ORDINALS = st.frozensets(st.integers(1, 6))
ROUNDS = st.integers(0, 1)
SETS: tuple[SetName, ...] = ("open", "held")
CHUNKS = st.builds(lambda round_, open_, held: a_chunk(round=round_, open=open_, held=held), ROUNDS, ORDINALS, ORDINALS)
FIELDS = st.one_of(st.just(Fields()), ROUNDS.map(lambda number: Fields(round=number)))
MANY = st.dictionaries(st.sampled_from(SETS), ORDINALS)
MEMBERS = st.one_of(st.none(), st.tuples(st.sampled_from(SETS), st.integers(1, 6)))
CHANGES = st.builds(Change, key=st.just(a_chunk().key), given=FIELDS, member=MEMBERS, put=FIELDS, add=MANY, drop=MANY)


def names_of(shape: type) -> set[str]:
    return {field.name for field in fields(shape)}


def test_a_write_may_change_every_field_but_those_that_say_what_the_item_is() -> None:
    changing = {*get_type_hints(Fields)}
    assert changing == names_of(Download) - NEVER_CHANGE - BY_THE_WRITE_ITSELF
    assert names_of(Chunk) - {"root", "number"} <= changing


def test_a_field_to_write_has_the_type_of_the_field_of_the_record() -> None:
    theirs = get_type_hints(Download)
    assert {name: theirs[name] for name in get_type_hints(Fields)} == get_type_hints(Fields)


@FEW
@given(CHUNKS, CHANGES)
def test_a_change_holds_exactly_when_every_condition_does(chunk: Chunk, change: Change) -> None:
    is_member = change.member is None or change.member[1] in getattr(chunk, change.member[0])
    is_given = change.given.get("round", chunk.round) == chunk.round
    assert holds(chunk, change) == (is_member and is_given)


@FEW
@given(CHANGES)
def test_nothing_holds_of_a_record_that_is_not_there(change: Change) -> None:
    assert not holds(None, change)


@FEW
@given(CHUNKS, CHANGES)
def test_what_is_dropped_is_gone_and_what_is_added_is_there(chunk: Chunk, change: Change) -> None:
    after = applied(chunk, change)
    for name in SETS:
        with_added = getattr(chunk, name) | change.add.get(name, NONE)
        assert getattr(after, name) == with_added - change.drop.get(name, NONE)


@FEW
@given(CHUNKS, CHANGES)
def test_sets_make_a_repeated_change_harmless(chunk: Chunk, change: Change) -> None:
    once = applied(chunk, change)
    assert applied(once, change) == once


@FEW
@given(CHUNKS, st.integers(1, 6), st.sampled_from(sorted(TERMINAL)))
def test_a_child_is_settled_once(chunk: Chunk, ordinal: int, state: State) -> None:
    change = settle(chunk, a_child(ordinal, state=state, bytes_downloaded=7))
    if holds(chunk, change):
        after = applied(chunk, change)
        assert not holds(after, change)
        assert after.bytes_done - chunk.bytes_done == (7 if state is State.COMPLETED else 0)


@pytest.mark.parametrize(
    ("change", "seq"), [(Change(key=a_download().key), 4), (Change(key=a_download().key, event=an_event()), 5)]
)
def test_the_sequence_rises_with_each_event_and_with_nothing_else(change: Change, seq: int) -> None:
    assert applied(a_download(seq=4), change).seq == seq


def test_a_change_puts_the_new_values_and_leaves_the_others() -> None:
    item = a_download(content_name="old", attempts=3)
    assert applied(item, Change(key=item.key, put=Fields(content_name="new"))) == replace(item, content_name="new")


@pytest.mark.parametrize("ordinal", [1, 2])
def test_a_member_is_asked_for_in_its_own_set(ordinal: int) -> None:
    change = Change(key=an_album().key, member=("held", ordinal))
    assert holds(an_album(held=frozenset({2})), change) is (ordinal == 2)
