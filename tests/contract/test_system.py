"""The ports Clock, Ids, Dice and Pulse: the machine's, and those of the simulated world."""

import threading
import time
from calendar import timegm
from datetime import UTC, datetime, timedelta

import pytest

from cratekeeper.adapters.system import SystemClock, SystemDice, SystemIds, ThreadPulse
from cratekeeper.domain.ids import SHARDS, is_download_id, shard_of
from cratekeeper.ports import Clock, Dice, Ids
from tests.memory.virtual import START, SeededDice, SeededIds, VirtualClock

LONG_S = 600.0


@pytest.mark.parametrize("clock", [SystemClock(), VirtualClock()], ids=["system", "memory"])
def test_time_is_utc_in_whole_milliseconds(clock: Clock) -> None:
    now = clock.now()
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0
    assert clock.now() >= now


def test_the_clock_is_the_machines() -> None:
    before = timegm(time.gmtime())
    assert before <= SystemClock().now().timestamp() <= timegm(time.gmtime()) + 1


@pytest.fixture(params=["system", "memory"])
def ids(request: pytest.FixtureRequest) -> Ids:
    return SystemIds() if request.param == "system" else SeededIds()


@pytest.mark.case("Q-06")
def test_ids_of_one_millisecond_rise(ids: Ids) -> None:
    made = [ids.download(START) for _ in range(500)]
    assert made == sorted(set(made))
    assert all(map(is_download_id, made))


def test_a_later_id_is_higher(ids: Ids) -> None:
    earlier = [ids.download(START) for _ in range(99)]
    assert ids.download(START + timedelta(milliseconds=1)) > max(earlier)


def test_an_id_begins_with_its_time() -> None:
    at = datetime(2016, 7, 30, 23, 54, 10, 259_000, tzinfo=UTC)
    assert SystemIds().download(at).startswith("01ARZ3NDEK")


def test_ids_rise_although_the_clock_steps_back() -> None:
    ids = SystemIds()
    first = ids.download(START)
    assert ids.download(START - timedelta(hours=1)) > first


def test_threads_make_different_ids() -> None:
    ids, made = SystemIds(), list[str]()
    threads = [threading.Thread(target=lambda: made.extend(ids.download(START) for _ in range(50))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 400


def test_ids_spread_over_the_shards(ids: Ids) -> None:
    assert {shard_of(ids.download(START)) for _ in range(64)} == set(range(SHARDS))


def test_words_are_new_and_secrets_long(ids: Ids) -> None:
    assert len({ids.nonce() for _ in range(99)}) == 99
    assert all(len(ids.nonce()) <= 16 for _ in range(9))
    secrets = {ids.secret() for _ in range(99)}
    assert len(secrets) == 99
    assert all(len(secret) >= 43 and secret.replace("-", "").replace("_", "").isalnum() for secret in secrets)


@pytest.mark.parametrize("dice", [SystemDice(), SeededDice()], ids=["system", "memory"])
def test_dice_fall_between_0_and_1(dice: Dice) -> None:
    rolls = [dice.roll() for _ in range(999)]
    assert min(rolls) >= 0
    assert max(rolls) < 1
    assert max(rolls) - min(rolls) > 0.9


def test_a_pulse_beats_while_the_work_is_blocked() -> None:
    third, beats = threading.Event(), list[int]()

    def beat() -> float:
        beats.append(1)
        if len(beats) == 3:
            third.set()
        return 0.001

    with ThreadPulse().beating(beat, first_s=0.001):
        assert third.wait(10)


@pytest.mark.case("I-09")
def test_no_beat_runs_after_the_end() -> None:
    begun, is_over = threading.Event(), False
    late: list[bool] = []

    def beat() -> float:
        begun.set()
        time.sleep(0.05)
        late.append(is_over)
        return 0.0

    with ThreadPulse().beating(beat, first_s=0.0):
        assert begun.wait(10)
    is_over = True
    seen = len(late)
    time.sleep(0.1)
    assert late == [False] * seen


def test_a_pulse_ends_itself() -> None:
    beats = []
    ended = threading.Event()

    def beat() -> None:
        beats.append(1)
        ended.set()

    with ThreadPulse().beating(beat, first_s=0.0):
        assert ended.wait(10)
        time.sleep(0.05)
    assert beats == [1]


def test_work_that_is_done_soon_waits_for_no_beat() -> None:
    begun = time.monotonic()
    with ThreadPulse().beating(lambda: LONG_S, first_s=LONG_S):
        pass
    assert time.monotonic() - begun < 5
    assert [thread for thread in threading.enumerate() if thread.name == "pulse"] == []


def test_what_a_beat_raises_flies_on() -> None:
    raised = threading.Event()

    def beat() -> float:
        raised.set()
        raise LookupError("a bug")

    with pytest.raises(LookupError, match="a bug"), ThreadPulse().beating(beat, first_s=0.0):
        assert raised.wait(10)


def test_what_the_work_raises_comes_first() -> None:
    def beat() -> float:
        raise LookupError("a bug")

    def work() -> None:
        with ThreadPulse().beating(beat, first_s=0.0):
            raise KeyError("the work")

    with pytest.raises(KeyError):
        work()
