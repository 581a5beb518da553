"""Users and their keys."""

import pytest

from cratekeeper.domain.access import Caller, Role
from cratekeeper.domain.announcements import Topic
from cratekeeper.domain.errors import AlreadyExists, Denied, NotFound, TooManyKeys
from cratekeeper.domain.events import EventType
from cratekeeper.domain.ids import Seed, made_at
from cratekeeper.domain.users import MOST_KEYS
from cratekeeper.services.identity import REMEMBERED_S, NewKey
from tests.support.crate import ADMIN, ALICE, Crate


def a_key(crate: Crate, user_id: str = "carol") -> NewKey:
    made = crate.users.create_key(user_id, by=ADMIN, seed=Seed(crate.world.ids.download(crate.world.clock.now())))
    assert made
    return made


def test_a_resumed_request_finds_its_user_and_no_other(crate: Crate) -> None:
    wanted = Caller(user_id="carol", role=Role.VIEWER)
    seed = Seed(crate.world.ids.download(crate.world.clock.now()))
    crate.world.clock.advance(60)
    made = crate.users.create(wanted, by=ADMIN, seed=seed)
    assert made.created_at == made_at(seed.root)
    assert crate.users.create(wanted, by=ADMIN, seed=Seed(seed.root, is_resumed=True)) == made
    for other in (seed, Seed(crate.world.ids.download(crate.world.clock.now()), is_resumed=True)):
        with pytest.raises(AlreadyExists):
            crate.users.create(wanted, by=ADMIN, seed=other)


def test_a_resumed_request_makes_its_key_unless_an_earlier_run_did(crate: Crate) -> None:
    crate.users.create(Caller(user_id="carol", role=Role.USER), by=ADMIN)
    resumed = Seed(crate.world.ids.download(crate.world.clock.now()), is_resumed=True)
    made = crate.users.create_key("carol", by=ADMIN, seed=resumed)
    assert made
    assert made.key_id == resumed.root
    assert crate.users.create_key("carol", by=ADMIN, seed=resumed) is None
    crate.users.revoke("carol", made.key_id, by=ADMIN)
    again = crate.users.create_key("carol", by=ADMIN, seed=resumed)
    assert again
    with pytest.raises(Denied):
        crate.identity.caller_of(made.key)
    assert crate.identity.caller_of(again.key).user_id == "carol"


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
    first, second = (a_key(crate) for _ in range(2))
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
    key = a_key(crate)
    crate.users.revoke("carol", key.key_id, by=ADMIN)
    for refused in (
        lambda: a_key(crate, "nobody"),
        lambda: crate.users.revoke("carol", key.key_id, by=ADMIN),
        lambda: crate.users.revoke("nobody", key.key_id, by=ADMIN),
        lambda: crate.users.one("nobody"),
    ):
        with pytest.raises(NotFound):
            refused()


def test_keys_of_a_user_are_bounded(crate: Crate) -> None:
    crate.users.create(Caller(user_id="carol", role=Role.USER), by=ADMIN)
    keys = [a_key(crate) for _ in range(MOST_KEYS)]
    with pytest.raises(TooManyKeys):
        a_key(crate)
    crate.users.revoke("carol", keys[0].key_id, by=ADMIN)
    assert a_key(crate)


def test_what_becomes_of_keys_is_in_the_history_with_who_did_it(crate: Crate) -> None:
    crate.users.create(Caller(user_id="carol", role=Role.USER), by=ADMIN)
    key = a_key(crate)
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
