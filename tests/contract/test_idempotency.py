"""The port IdempotencyRecords: who may run a request under a key, and what it answered."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cratekeeper.adapters.dynamodb.idempotency import DynamoIdempotency
from cratekeeper.domain.idempotency import HELD_FOR, KEPT_FOR, KeptAnswer, KeyName, KeyRecord
from cratekeeper.ports import IdempotencyRecords
from tests.contract.samples import an_id
from tests.memory.idempotency import MemoryIdempotency
from tests.memory.virtual import START

NAME = KeyName("alice", "a key")
ANSWER = KeptAnswer(202, "/v1/downloads/X", '{"name":"Ærø 🎵"}')
LATER = START + HELD_FOR


def a_bid(holder: str = "first", **fields: Any) -> KeyRecord:
    bid = KeyRecord(fingerprint="f", root=an_id(), holder=holder, until=START + HELD_FOR, expires_at=START + KEPT_FOR)
    return replace(bid, **fields)


@pytest.fixture
def records(backend: str, request: pytest.FixtureRequest) -> IdempotencyRecords:
    if backend == "memory":
        return MemoryIdempotency()
    emulator, tables = request.getfixturevalue("emulator"), request.getfixturevalue("tables")
    return DynamoIdempotency(emulator.aws.dynamodb, tables.queue)


def test_the_first_takes_the_key(records: IdempotencyRecords) -> None:
    bid = a_bid()
    assert records.take(NAME, bid, now=START) == bid


def test_a_repeated_take_answers_like_its_first_success(records: IdempotencyRecords) -> None:
    bid = a_bid()
    assert records.take(NAME, bid, now=START) == records.take(NAME, bid, now=START)


@pytest.mark.case("I-02")
def test_a_twin_meets_the_first(records: IdempotencyRecords) -> None:
    first = records.take(NAME, a_bid(), now=START)
    assert records.take(NAME, a_bid("twin"), now=LATER - timedelta(milliseconds=1)) == first


@pytest.mark.case("I-01")
def test_an_answer_is_kept_to_the_byte(records: IdempotencyRecords) -> None:
    first = records.take(NAME, a_bid(), now=START)
    assert records.keep(NAME, holder="first", answer=ANSWER)
    found = records.take(NAME, a_bid("twin"), now=LATER)
    assert (found.answer, found.holder, found.root) == (ANSWER, "first", first.root)


def test_keeping_an_answer_twice_is_keeping_it_once(records: IdempotencyRecords) -> None:
    records.take(NAME, a_bid(), now=START)
    assert records.keep(NAME, holder="first", answer=ANSWER)
    assert records.keep(NAME, holder="first", answer=ANSWER)


@pytest.mark.case("I-06")
def test_a_long_answer_fits(records: IdempotencyRecords) -> None:
    rows = [f'{{"index":{n},"status":"queued","download_id":"{an_id()}"}}' for n in range(2000)]
    answer = KeptAnswer(202, None, f"[{','.join(rows)}]")
    records.take(NAME, a_bid(), now=START)
    assert records.keep(NAME, holder="first", answer=answer)
    assert records.take(NAME, a_bid("twin"), now=START).answer == answer


@pytest.mark.case("I-05")
def test_a_key_whose_holder_died_goes_on_under_its_root(records: IdempotencyRecords) -> None:
    first = records.take(NAME, a_bid(), now=START)
    bid = a_bid("second", until=LATER + HELD_FOR, expires_at=LATER + KEPT_FOR)
    found = records.take(NAME, bid, now=LATER)
    assert (found.holder, found.until, found.root) == ("second", bid.until, first.root)
    assert found.expires_at == first.expires_at


def test_an_old_holder_keeps_no_answer(records: IdempotencyRecords) -> None:
    records.take(NAME, a_bid(), now=START)
    records.take(NAME, a_bid("second", until=LATER + HELD_FOR), now=LATER)
    assert not records.keep(NAME, holder="first", answer=ANSWER)
    assert not records.keep(KeyName("alice", "another"), holder="first", answer=ANSWER)
    assert records.take(NAME, a_bid("third"), now=LATER).answer is None


def test_another_request_never_takes_the_key(records: IdempotencyRecords) -> None:
    records.take(NAME, a_bid(), now=START)
    found = records.take(NAME, a_bid("other", fingerprint="g"), now=LATER)
    assert (found.holder, found.fingerprint) == ("first", "f")


@pytest.mark.case("I-04")
def test_a_released_key_goes_on_at_once_under_its_root(records: IdempotencyRecords) -> None:
    first = records.take(NAME, a_bid(), now=START)
    records.release(NAME, holder="first", now=START)
    found = records.take(NAME, a_bid("second"), now=START)
    assert (found.holder, found.root) == ("second", first.root)


def test_a_forgotten_key_is_as_new(records: IdempotencyRecords) -> None:
    records.take(NAME, a_bid(), now=START)
    records.forget(NAME, holder="first")
    bid = a_bid("other", fingerprint="g")
    assert records.take(NAME, bid, now=START) == bid


def test_what_is_answered_or_somebody_elses_is_neither_released_nor_forgotten(records: IdempotencyRecords) -> None:
    taken = records.take(NAME, a_bid(), now=START)
    records.release(NAME, holder="other", now=START)
    records.forget(NAME, holder="other")
    assert records.take(NAME, a_bid("twin"), now=START) == taken
    records.keep(NAME, holder="first", answer=ANSWER)
    records.release(NAME, holder="first", now=START)
    records.forget(NAME, holder="first")
    assert records.take(NAME, a_bid("twin"), now=LATER).answer == ANSWER


@pytest.mark.parametrize("has_answer", [False, True])
def test_after_a_day_a_key_is_as_new(records: IdempotencyRecords, has_answer: bool) -> None:
    records.take(NAME, a_bid(), now=START)
    if has_answer:
        records.keep(NAME, holder="first", answer=ANSWER)
    tomorrow = START + KEPT_FOR
    bid = a_bid("second", fingerprint="g", until=tomorrow + HELD_FOR, expires_at=tomorrow + KEPT_FOR)
    assert records.take(NAME, bid, now=tomorrow) == bid


def test_keys_are_per_caller_and_hold_anything(records: IdempotencyRecords) -> None:
    names = [NAME, KeyName("bob", "a key"), KeyName("alice", "a key "), KeyName("alice", "ø#🎵" * 60)]
    bids = [a_bid(f"{number}") for number in range(len(names))]
    taken = [records.take(name, bid, now=START) for name, bid in zip(names, bids, strict=True)]
    assert taken == bids
