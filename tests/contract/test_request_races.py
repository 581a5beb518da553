"""Requests of many at once, by the real adapters on the emulator."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from cratekeeper import bootstrap
from cratekeeper.domain.errors import KeyInProgress
from cratekeeper.domain.idempotency import KeptAnswer, KeyName
from cratekeeper.domain.ids import Seed
from cratekeeper.domain.models import Kind
from cratekeeper.services.batches import Outcome, Reason
from cratekeeper.services.requests import NewDownload
from tests.bench.rig import ALICE, Rig, deployed
from tests.contract.emulator import Emulator
from tests.contract.races import at_once
from tests.memory.samples import content_id

TWINS = 20


@pytest.fixture(scope="module")
def rig(emulator: Emulator) -> Iterator[Rig]:
    with deployed(emulator, "http://127.0.0.1:9", is_metered=False) as running:
        yield running


def a_wish(name: str) -> NewDownload:
    return NewDownload(kind=Kind.TRACK, content_id=content_id(name))


@pytest.mark.case("I-02")
def test_twenty_equal_requests_with_one_key_make_one_item_and_answer_alike(rig: Rig) -> None:
    del rig
    caller = replace(ALICE, user_id="twins")

    def act(seed: Seed) -> KeptAnswer:
        item = bootstrap.requests().create(a_wish("twins"), caller=caller, seed=seed)
        return KeptAnswer(202, f"/v1/downloads/{item.id}", item.id)

    def ask() -> KeptAnswer | None:
        try:
            return bootstrap.idempotency().run(KeyName("twins", "key"), "f", act)
        except KeyInProgress:
            return None  # a twin that has waited for three seconds, on a machine that has much else to do

    accepted = {*at_once([ask] * TWINS)} - {None}
    usage = bootstrap.queries().store.usage("twins")
    assert accepted == {KeptAnswer(202, f"/v1/downloads/{root}", root) for root in usage.active}
    assert (len(usage.active), usage.requests) == (1, 1)


@pytest.mark.case("L-09")
def test_batches_that_overlap_stay_within_the_limit_and_queue_each_once(rig: Rig) -> None:
    del rig
    caller = replace(ALICE, user_id="racer", max_per_day=30, max_queue=-1)
    batches = [[a_wish(f"race {first + number}") for number in range(20)] for first in (0, 10, 20, 30)]

    def create(wanted: list[NewDownload]) -> list[Outcome]:
        return bootstrap.batches().create(wanted, caller=caller)

    found = at_once([partial(create, each) for each in batches])
    queued = [each.download_id for outcomes in found for each in outcomes if each.reason is None]
    usage = bootstrap.queries().store.usage("racer")
    assert len(queued) == 30
    assert {*queued} == {*usage.active}
    assert usage.requests == 30
    assert {each.reason for outcomes in found for each in outcomes} <= {
        None,
        Reason.ALREADY_QUEUED,
        Reason.DAILY_LIMIT_REACHED,
    }
