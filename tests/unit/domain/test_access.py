import pytest

from cratekeeper.domain.access import GRANTS, Caller, Permission, Role
from cratekeeper.domain.limits import UserLimits

DEFAULT = UserLimits(max_per_day=100, max_queue=200)
UNLIMITED = UserLimits(max_per_day=None, max_queue=None)


@pytest.mark.case("U-02")
@pytest.mark.parametrize(
    ("role", "granted"),
    [
        (Role.USER, {Permission.REQUEST_CONTENT}),
        (Role.VIEWER, {Permission.VIEW_ANALYTICS}),
        (Role.ADMIN, {*Permission}),
    ],
)
def test_a_role_grants_its_permissions_and_no_others(role: Role, granted: set[Permission]) -> None:
    caller = Caller(user_id="alice", role=role)
    assert {permission for permission in Permission if caller.may(permission)} == granted


def test_every_role_is_in_the_table() -> None:
    assert {*GRANTS} == {*Role}


@pytest.mark.parametrize(("role", "foreign"), [(Role.USER, False), (Role.VIEWER, False), (Role.ADMIN, True)])
def test_only_who_may_edit_the_catalog_sees_what_others_own(role: Role, foreign: bool) -> None:
    caller = Caller(user_id="alice", role=role)
    assert caller.sees("alice")
    assert caller.sees("bob") is foreign


@pytest.mark.parametrize(
    ("caller", "limits"),
    [
        (Caller(user_id="alice", role=Role.USER), DEFAULT),
        (Caller(user_id="alice", role=Role.USER, max_per_day=7), UserLimits(max_per_day=7, max_queue=200)),
        (Caller(user_id="alice", role=Role.USER, max_queue=0), UserLimits(max_per_day=100, max_queue=0)),
        (Caller(user_id="alice", role=Role.USER, max_per_day=-1, max_queue=-1), UNLIMITED),
    ],
)
def test_a_users_own_limits_go_before_the_default(caller: Caller, limits: UserLimits) -> None:
    assert caller.limits(DEFAULT) == limits


@pytest.mark.case("L-14")
def test_an_admin_is_free_of_limits() -> None:
    assert Caller(user_id="root", role=Role.ADMIN, max_per_day=1, max_queue=1).limits(DEFAULT) == UNLIMITED
