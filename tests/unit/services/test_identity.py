import pytest

from cratekeeper.adapters.system import SystemIds
from cratekeeper.domain.access import Caller, Role
from cratekeeper.domain.errors import Denied
from cratekeeper.services.identity import MOST_REMEMBERED, REMEMBERED_S
from tests.support.crate import Crate


def revoke_all(crate: Crate) -> None:
    crate.world.identities.keys.clear()


def test_a_key_identifies_its_owner(crate: Crate) -> None:
    made = crate.identity.create_key("alice", Role.VIEWER)
    assert made.user_id == "alice"
    assert crate.identity.caller_of(made.key) == Caller(user_id="alice", role=Role.VIEWER)


@pytest.mark.case("U-01")
@pytest.mark.parametrize("token", ["", "ck_", "ck_unknown", "CK_x", "ck_ø", "eyJhbGciOiJub25lIn0.e30."])
def test_every_other_token_is_refused(crate: Crate, token: str) -> None:
    crate.identity.create_key("alice", Role.USER)
    with pytest.raises(Denied):
        crate.identity.caller_of(token)


def test_nobody_comes_in_as_the_products_own_work(crate: Crate) -> None:
    made = crate.identity.create_key("system", Role.ADMIN)
    with pytest.raises(Denied, match="own work"):
        crate.identity.caller_of(made.key)


def test_keys_are_different_each_time_and_all_of_them_count(crate: Crate) -> None:
    keys = [crate.identity.create_key("alice", Role.USER) for _ in range(3)]
    assert len({made.key for made in keys}) == len({made.key_id for made in keys}) == 3
    assert {crate.identity.caller_of(made.key).user_id for made in keys} == {"alice"}


def test_the_id_of_a_key_is_never_taken_for_an_option(crate: Crate) -> None:
    crate.identity.ids = SystemIds()
    ids = [crate.identity.create_key("alice", Role.USER).key_id for _ in range(40)]
    assert all(key_id.isalnum() for key_id in ids)
    assert ids == sorted({*ids})


def test_a_key_is_stored_only_as_a_keyed_hash(crate: Crate) -> None:
    made = crate.identity.create_key("alice", Role.USER)
    [stored] = crate.world.identities.keys
    assert made.key not in stored
    assert made.key.removeprefix("ck_") not in stored


def test_a_further_key_changes_the_role_and_leaves_the_limits(crate: Crate) -> None:
    made = crate.identity.create_key("alice", Role.USER)
    crate.world.identities.amend("alice", {"max_per_day": 7})
    crate.identity.create_key("alice", Role.ADMIN)
    assert crate.identity.caller_of(made.key) == Caller(user_id="alice", role=Role.ADMIN, max_per_day=7)


@pytest.mark.parametrize(("seconds", "is_known"), [(REMEMBERED_S - 1, True), (REMEMBERED_S, False), (60, False)])
def test_a_revoked_key_is_refused_within_a_minute(crate: Crate, seconds: int, is_known: bool) -> None:
    """I30."""
    key = crate.identity.create_key("alice", Role.USER).key
    crate.identity.caller_of(key)
    revoke_all(crate)
    crate.world.clock.advance(seconds)
    if is_known:
        assert crate.identity.caller_of(key).user_id == "alice"
    else:
        with pytest.raises(Denied):
            crate.identity.caller_of(key)


def test_a_refused_key_is_not_remembered(crate: Crate) -> None:
    key = crate.identity.create_key("alice", Role.USER).key
    keys = {**crate.world.identities.keys}
    revoke_all(crate)
    with pytest.raises(Denied):
        crate.identity.caller_of(key)
    crate.world.identities.keys |= keys
    assert crate.identity.caller_of(key).user_id == "alice"


def test_a_known_caller_costs_no_read(crate: Crate) -> None:
    key = crate.identity.create_key("alice", Role.USER).key
    crate.identity.caller_of(key)
    seen = crate.world.calls.counting()
    crate.identity.caller_of(key)
    assert "identities.caller_of" not in seen


def test_what_is_remembered_is_bounded(crate: Crate) -> None:
    keys = [crate.identity.create_key(f"user {number}", Role.USER).key for number in range(MOST_REMEMBERED + 1)]
    for key in keys:
        crate.identity.caller_of(key)
    seen = crate.world.calls.counting()
    crate.identity.caller_of(keys[0])
    crate.identity.caller_of(keys[-1])
    assert seen["identities.caller_of"] == 1


class Issuer:
    """An identity provider that knows one token."""

    def subject_of(self, token: str) -> str:
        if token != "signed":
            raise Denied("forged")
        return "alice"


def test_a_signed_token_is_its_subject_if_that_is_known_here(crate: Crate) -> None:
    crate.identity.tokens = Issuer()
    with pytest.raises(Denied, match="nobody"):
        crate.identity.caller_of("signed")
    key = crate.identity.create_key("alice", Role.VIEWER).key
    assert crate.identity.caller_of("signed") == crate.identity.caller_of(key)
    with pytest.raises(Denied, match="forged"):
        crate.identity.caller_of("another")


def test_what_looks_like_a_key_is_never_taken_for_a_token(crate: Crate) -> None:
    crate.identity.tokens = Issuer()
    with pytest.raises(Denied, match="API key"):
        crate.identity.caller_of("ck_signed")
