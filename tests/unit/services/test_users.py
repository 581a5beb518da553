"""Users and their keys."""

import pytest

from cratekeeper.domain.access import Caller, Role
from cratekeeper.domain.announcements import Topic
from cratekeeper.domain.errors import AlreadyExists, Denied, NotFound, TooManyKeys
from cratekeeper.domain.events import EventType
from cratekeeper.domain.users import MOST_KEYS
from cratekeeper.services.identity import REMEMBERED_S
from tests.support.crate import ADMIN, ALICE, Crate


def test_a_user_is_made_once(crate: Crate) -> None:
    wanted = Caller(user_id="carol", role=Role.VIEWER, max_per_day=-1)
    made = crate.users.create(wanted, by=ADMIN)
    assert crate.users.one("carol") == made
    assert (made.caller, made.keys, made.created_at) == (wanted, (), crate.world.clock.now())
    with pytest.raises(AlreadyExists):
        crate.users.create(ALICE.__class__(user_id="carol", role=Role.ADMIN), by=ADMIN)
    assert crate.users.one("carol") == made


def test_users_are_listed_by_id_page_by_page(crate: Crate) -> None:
    for name in ("dora", "anna", "carl", "bert", "emil"):
        crate.users.create(Caller(user_id=name, role=Role.USER), by=ADMIN)
    pages, after = [], None
    while True:
        page = crate.users.page(after=after, limit=2)
        pages.append([user.user_id for user in page.users])
        after = page.next_after
        if after is None:
            break
    assert pages == [["anna", "bert"], ["carl", "dora"], ["emil"]]


def test_what_is_not_named_stays(crate: Crate) -> None:
    crate.users.create(Caller(user_id="carol", role=Role.USER, max_per_day=5, max_queue=6), by=ADMIN)
    changed = crate.users.amend("carol", {"role": Role.VIEWER, "max_queue": None}, by=ADMIN)
    assert changed.caller == Caller(user_id="carol", role=Role.VIEWER, max_per_day=5)
    assert crate.users.amend("carol", {}, by=ADMIN) == changed
    assert crate.world.log.lines[-1].fields == {"user_id": "carol", "values": {}, "by": "root"}


@pytest.mark.parametrize("values", [{}, {"role": Role.USER}])
def test_nobody_cannot_be_changed(crate: Crate, values: dict[str, Role | int | None]) -> None:
    with pytest.raises(NotFound):
        crate.users.amend("nobody", values, by=ADMIN)


def test_a_key_opens_until_it_is_revoked(crate: Crate) -> None:
    """I30."""
    crate.users.create(Caller(user_id="carol", role=Role.USER), by=ADMIN)
    first, second = (crate.users.create_key("carol", by=ADMIN) for _ in range(2))
    assert crate.identity.caller_of(first.key).user_id == "carol"
    assert [key.key_id for key in crate.users.one("carol").keys] == [first.key_id, second.key_id]
    crate.users.revoke("carol", first.key_id, by=ADMIN)
    crate.world.clock.advance(REMEMBERED_S)
    with pytest.raises(Denied):
        crate.identity.caller_of(first.key)
    assert crate.identity.caller_of(second.key).user_id == "carol"
    assert [key.key_id for key in crate.users.one("carol").keys] == [second.key_id]


def test_a_key_of_nobody_is_not_made_and_one_that_is_not_there_not_revoked(crate: Crate) -> None:
    crate.users.create(Caller(user_id="carol", role=Role.USER), by=ADMIN)
    key = crate.users.create_key("carol", by=ADMIN)
    crate.users.revoke("carol", key.key_id, by=ADMIN)
    for refused in (
        lambda: crate.users.create_key("nobody", by=ADMIN),
        lambda: crate.users.revoke("carol", key.key_id, by=ADMIN),
        lambda: crate.users.revoke("nobody", key.key_id, by=ADMIN),
        lambda: crate.users.one("nobody"),
    ):
        with pytest.raises(NotFound):
            refused()


def test_keys_of_a_user_are_bounded(crate: Crate) -> None:
    crate.users.create(Caller(user_id="carol", role=Role.USER), by=ADMIN)
    keys = [crate.users.create_key("carol", by=ADMIN) for _ in range(MOST_KEYS)]
    with pytest.raises(TooManyKeys):
        crate.users.create_key("carol", by=ADMIN)
    crate.users.revoke("carol", keys[0].key_id, by=ADMIN)
    assert crate.users.create_key("carol", by=ADMIN)


def test_what_becomes_of_keys_is_in_the_history_with_who_did_it(crate: Crate) -> None:
    crate.users.create(Caller(user_id="carol", role=Role.USER), by=ADMIN)
    key = crate.users.create_key("carol", by=ADMIN)
    crate.catch_up()
    crate.users.revoke("carol", key.key_id, by=ADMIN)
    crate.catch_up()
    rows = [crate.world.history.rows[f"user:carol:{seq}"] for seq in (1, 2)]
    assert [row.event.type for row in rows] == [EventType.KEY_CREATED, EventType.KEY_REVOKED]
    assert {row.event.actor for row in rows} == {"root"}
    assert all(row.event.details == {"key_id": key.key_id, "owner": "carol"} for row in rows)
    assert [(event.topic, event.subject) for event in crate.world.bus.published] == [(Topic.USER_CREATED, "user:carol")]


def test_the_history_of_keys_is_repaired_from_the_users(crate: Crate) -> None:
    crate.identity.create_key("alice", Role.USER)
    assert crate.reconcile.run() == 1
    assert crate.reconcile.run() == 0
    assert [row.id for row in crate.world.history.rows.values()] == ["user:alice:1"]
