from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratekeeper.domain.errors import AlreadyQueued, KeyInProgress, KeyReused, ProviderFailed, Unavailable
from cratekeeper.domain.idempotency import HELD_FOR, KEPT_FOR, KeptAnswer, KeyName
from cratekeeper.domain.ids import Seed
from cratekeeper.domain.models import Kind
from cratekeeper.services.requests import NewDownload
from tests.memory.samples import content_id
from tests.support.crash import Killed, killed_at, unanswered
from tests.support.crate import ALICE, Crate, Knobs

NAME = KeyName("alice", "a key")
TRACK = NewDownload(kind=Kind.TRACK, content_id=content_id("a track"), force=True)

Act = Callable[[Seed], KeptAnswer]


def creating(crate: Crate, wanted: NewDownload = TRACK) -> Act:
    """A request that makes one download and answers with its id."""

    def act(seed: Seed) -> KeptAnswer:
        item = crate.requests.create(wanted, caller=ALICE, seed=seed)
        return KeptAnswer(202, f"/v1/downloads/{item.id}", item.id)

    return act


def ask(crate: Crate, *, name: KeyName | None = NAME, fingerprint: str = "f", act: Act | None = None) -> KeptAnswer:
    return crate.idempotency.run(name, fingerprint, act or creating(crate))


def failing(error: BaseException) -> Act:
    def act(seed: Seed) -> KeptAnswer:
        del seed
        raise error

    return act


@pytest.mark.case("I-01")
def test_a_repetition_gets_the_first_answer_and_makes_nothing(crate: Crate) -> None:
    first = ask(crate)
    assert ask(crate) == first
    assert crate.world.usage("alice").requests == 1
    assert [item.id for item in crate.world.table.downloads()] == [first.body]


def test_without_a_key_every_request_is_carried_out(crate: Crate) -> None:
    ask(crate, name=None)
    with pytest.raises(AlreadyQueued):
        ask(crate, name=None)
    assert not crate.world.idempotency.records


def test_the_key_costs_two_calls(crate: Crate) -> None:
    calls = crate.world.calls.counting()
    ask(crate, act=lambda _: KeptAnswer(202, None, ""))
    assert calls == {"idempotency.take": 1, "idempotency.keep": 1}


def test_keys_of_others_are_others(crate: Crate) -> None:
    ask(crate)
    with pytest.raises(AlreadyQueued):
        ask(crate, name=KeyName("bob", NAME.key))


def test_a_key_of_another_request_is_refused(crate: Crate) -> None:
    ask(crate)
    with pytest.raises(KeyReused):
        ask(crate, fingerprint="g")


def test_after_a_day_the_key_is_as_new(crate: Crate) -> None:
    first = ask(crate)
    crate.settle_down()
    crate.world.clock.advance(KEPT_FOR.total_seconds())
    assert ask(crate, fingerprint="g") != first


@pytest.mark.case("S-04")
def test_switched_off_there_are_no_records() -> None:
    crate = Crate.of(knobs=Knobs(idempotency_enabled=False))
    ask(crate)
    with pytest.raises(AlreadyQueued):
        ask(crate)
    assert not crate.world.idempotency.records


# --- Answers that are not kept -------------------------------------------------------


@pytest.mark.case("I-04")
@pytest.mark.parametrize("error", [Unavailable("x"), ProviderFailed("x"), RuntimeError("x"), AlreadyQueued("X")])
def test_a_failure_is_not_kept(crate: Crate, error: Exception) -> None:
    with pytest.raises(type(error)):
        ask(crate, act=failing(error))
    assert ask(crate).status == 202


def test_after_a_refusal_the_key_is_free_for_another_request(crate: Crate) -> None:
    with pytest.raises(AlreadyQueued):
        ask(crate, act=failing(AlreadyQueued("X")))
    assert ask(crate, fingerprint="g").status == 202


@pytest.mark.case("I-04")
def test_a_request_of_which_nothing_is_known_is_found_by_its_repetition(crate: Crate) -> None:
    unanswered(crate.world.calls, "store.commit")
    with pytest.raises(Unavailable):
        ask(crate)
    [made] = crate.world.table.downloads()
    assert ask(crate).body == made.id
    assert crate.world.usage("alice").requests == 1


# --- Twins ---------------------------------------------------------------------------


def later(crate: Crate, act: Callable[[str], Any]) -> Act:
    """A request that does something with its key after a second, while its twin waits; it answers like the twin."""

    def slowly(seed: Seed) -> KeptAnswer:
        del seed
        holder = crate.world.idempotency.records[NAME].holder
        crate.world.clock.after(1.0, partial(act, holder))
        return ask(crate)

    return slowly


@pytest.mark.case("I-02")
def test_a_twin_waits_for_the_first_answer(crate: Crate) -> None:
    first = KeptAnswer(202, None, "the first answer")
    records = crate.world.idempotency
    assert ask(crate, act=later(crate, lambda holder: records.keep(NAME, holder=holder, answer=first))) == first
    assert not crate.world.table.parts


def test_a_twin_of_a_slow_request_is_told_to_come_again(crate: Crate) -> None:
    waited: list[float] = []

    def slowly(seed: Seed) -> KeptAnswer:
        begun = crate.world.clock.now()
        with pytest.raises(KeyInProgress):
            ask(crate)
        waited.append((crate.world.clock.now() - begun).total_seconds())
        return KeptAnswer(202, None, seed.root)

    ask(crate, act=slowly)
    assert 1 <= waited[0] <= 5


def test_a_twin_of_a_refused_request_is_carried_out(crate: Crate) -> None:
    refused = later(crate, lambda holder: crate.world.idempotency.forget(NAME, holder=holder))
    assert ask(crate, act=refused).status == 202
    assert len([*crate.world.table.downloads()]) == 1


# --- Crashes -------------------------------------------------------------------------


@pytest.mark.case("I-05")
@pytest.mark.parametrize(
    ("site", "after"),
    [
        ("idempotency.take", True),
        ("store.commit", False),
        ("store.commit", True),
        ("permits.take", True),
        ("idempotency.keep", False),
        ("idempotency.keep", True),
    ],
)
def test_a_request_whose_process_died_is_carried_out_once_by_its_repetition(
    crate: Crate, site: str, after: bool
) -> None:
    earlier = crate.track("earlier")  # the first request of a day is refused once: it does not know the day
    killed_at(crate.world.calls, site, lambda: ask(crate), after=after)
    crate.world.clock.advance(HELD_FOR.total_seconds())
    answer = ask(crate)
    assert [item.id for item in crate.world.table.downloads()] == [earlier.id, answer.body]
    assert crate.world.usage("alice").requests == 2


@pytest.mark.case("I-05")
def test_a_dead_process_is_no_answer_before_its_time(crate: Crate) -> None:
    with pytest.raises(Killed):
        ask(crate, act=failing(Killed()))
    with pytest.raises(KeyInProgress):
        ask(crate)


@pytest.mark.case("I-05")
def test_what_a_dead_process_made_is_found_though_it_has_ended(crate: Crate) -> None:
    crate.world.provider.add_track("a track")
    killed_at(crate.world.calls, "idempotency.keep", lambda: ask(crate))
    crate.settle_down()
    crate.world.clock.advance(HELD_FOR.total_seconds())
    answer = ask(crate)
    assert [(item.id, item.is_terminal) for item in crate.world.table.downloads()] == [(answer.body, True)]


# --- Bookkeeping that fails ----------------------------------------------------------


@pytest.mark.case("I-11")
def test_a_key_that_cannot_be_written_is_a_warning(crate: Crate) -> None:
    crate.world.calls.failing("idempotency.take")
    assert ask(crate).status == 202
    assert crate.world.log.actions() == ["idempotency_unavailable"]


@pytest.mark.case("I-12")
def test_an_answer_that_cannot_be_kept_is_a_warning_and_the_item_stays_one(crate: Crate) -> None:
    crate.world.calls.failing("idempotency.keep")
    first = ask(crate)
    assert crate.world.log.actions() == ["idempotency_unavailable"]
    crate.world.clock.advance(HELD_FOR.total_seconds())
    assert ask(crate) == first


@pytest.mark.parametrize(("site", "error"), [("release", Unavailable("x")), ("forget", AlreadyQueued("X"))])
def test_a_failure_is_told_though_its_key_cannot_be_freed(crate: Crate, site: str, error: Exception) -> None:
    crate.world.calls.failing(f"idempotency.{site}")
    with pytest.raises(type(error)):
        ask(crate, act=failing(error))
    assert crate.world.log.actions() == ["idempotency_unavailable"]


@given(st.integers(0, 2**80 - 2**50), st.integers(0, 2000), st.integers(0, 2000))
def test_ids_of_one_request_rise_and_never_meet(start: int, one: int, other: int) -> None:
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    seed = Seed("01JD000000" + "".join(digits[start >> 5 * place & 31] for place in reversed(range(16))))
    assert seed.nth(0) == seed.root
    assert (seed.nth(one) < seed.nth(other)) == (one < other)
    assert len(seed.nth(one)) == len(seed.root)
