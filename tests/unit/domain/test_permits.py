import pytest

from cratekeeper.domain.control import Permit
from cratekeeper.domain.events import EventType
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import Cascade
from cratekeeper.domain.permits import is_spent
from cratekeeper.domain.states import State, Verb
from tests.support.builders import NOW, Values, a_download, a_permit, an_album, at

RUNS: Values = {"state": State.IN_PROGRESS, "lease_until": at(60), "owner": "o"}
WAITS: Values = {"state": State.RETRY_WAITING, "next_retry_at": at(9)}
CHANGES = Cascade(verb=Verb.PRIORITIZE, event=EventType.PRIORITY_CHANGED, actor="alice", lane=Lane.LOW)


@pytest.mark.parametrize(
    ("permit", "fields"),
    [
        (a_permit(epoch=2, round=3), {}),
        (a_permit(epoch=2, round=3), WAITS),
        (a_permit(epoch=2, round=3), RUNS),  # for the claim after its lease has lapsed
        (a_permit(epoch=1, round=3), RUNS),
        (a_permit(epoch=1, round=3), {**RUNS, "lease_until": at(-1)}),
        (a_permit(epoch=3, round=3), {}),  # granted after the item was read
        (a_permit(epoch=0, round=4), {"state": State.CANCELLED}),
        (a_permit(epoch=2, round=3), {"cascade": CHANGES}),
        (a_permit(epoch=2, round=3), {"parked_until": at(0)}),
    ],
)
def test_a_permit_that_a_claim_may_still_rest_on_is_not_spent(permit: Permit, fields: Values) -> None:
    assert not is_spent(permit, a_download(epoch=2, round=3, **fields), NOW)


@pytest.mark.parametrize(
    ("permit", "fields"),
    [
        (a_permit(epoch=1, round=3), {}),
        (a_permit(epoch=1, round=3), WAITS),
        (a_permit(epoch=0, round=3), RUNS),
        (a_permit(epoch=9, round=2), RUNS),
        (a_permit(epoch=2, round=3), {"state": State.PAUSED}),
        (a_permit(epoch=2, round=3), {"state": State.COMPLETED}),
        (a_permit(epoch=2, round=3), {"parked_until": at(1)}),
    ],
)
def test_a_permit_that_no_claim_can_rest_on_any_more_is_spent(permit: Permit, fields: Values) -> None:
    assert is_spent(permit, a_download(epoch=2, round=3, **fields), NOW)


def test_the_permits_of_what_is_gone_or_only_waits_for_its_children_are_spent() -> None:
    assert is_spent(a_permit(), None, NOW)
    assert is_spent(a_permit(epoch=1), an_album(epoch=1), NOW)
    assert is_spent(a_permit(epoch=0), an_album(epoch=1), NOW)
    assert not is_spent(a_permit(epoch=2), an_album(epoch=1), NOW)
