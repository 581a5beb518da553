"""The port Identities."""

from dataclasses import replace

import pytest

from cratekeeper.adapters.dynamodb.identity import MAX_PER_DAY, MAX_QUEUE, DynamoIdentities
from cratekeeper.domain.access import Caller, Role
from cratekeeper.domain.errors import AlreadyExists, NotFound, TooManyKeys
from cratekeeper.domain.events import EventType
from cratekeeper.domain.users import MOST_KEYS, Key, User
from cratekeeper.ports import Identities
from tests.contract.conftest import Tables
from tests.contract.emulator import Emulator
from tests.contract.samples import SOON, a_key_event
from tests.memory.identities import MemoryIdentities
from tests.memory.virtual import START

HASH = "5e" * 32
CREATED = a_key_event()


@pytest.fixture
def identities(backend: str, request: pytest.FixtureRequest) -> Identities:
    if backend == "memory":
        return MemoryIdentities()
    emulator, tables = request.getfixturevalue("emulator"), request.getfixturevalue("tables")
    return DynamoIdentities(emulator.aws.dynamodb, tables.identity)


def test_a_key_has_an_owner(identities: Identities) -> None:
    identities.put_user("alice", Role.USER, now=START)
    identities.put_key("alice", key_id="k1", key_hash=HASH, event=CREATED)
    assert identities.caller_of(HASH) == Caller(user_id="alice", role=Role.USER)


def test_a_user_may_have_several_keys(identities: Identities) -> None:
    identities.put_user("alice", Role.VIEWER, now=START)
    for key_hash in (HASH, "00" * 32):
        identities.put_key("alice", key_id=key_hash[:4], key_hash=key_hash, event=CREATED)
    assert identities.caller_of(HASH) == identities.caller_of("00" * 32)


@pytest.mark.case("U-01")
def test_an_unknown_key_has_none(identities: Identities) -> None:
    identities.put_user("alice", Role.USER, now=START)
    assert identities.caller_of(HASH) is None
    assert identities.caller_of("") is None
    assert identities.caller_of("alice") is None


def test_nobody_gets_no_key(identities: Identities) -> None:
    with pytest.raises(NotFound):
        identities.put_key("ghost", key_id="k1", key_hash=HASH, event=CREATED)
    assert identities.caller_of(HASH) is None
    assert identities.user("ghost") is None


def test_a_new_role_is_in_force_at_once(identities: Identities) -> None:
    identities.put_user("alice", Role.USER, now=START)
    identities.put_key("alice", key_id="k1", key_hash=HASH, event=CREATED)
    identities.put_user("alice", Role.ADMIN, now=START)
    assert identities.caller_of(HASH) == Caller(user_id="alice", role=Role.ADMIN)


def update(emulator: Emulator, table: str, pk: str, **values: int) -> None:
    emulator.client("dynamodb").update_item(
        TableName=table,
        Key={"pk": {"S": pk}},
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
        ExpressionAttributeNames={f"#{name}": name for name in values},
        ExpressionAttributeValues={f":{name}": {"N": str(value)} for name, value in values.items()},
    )


def test_limits_of_their_own_stay_with_a_new_role(emulator: Emulator, tables: Tables) -> None:
    identities = DynamoIdentities(emulator.aws.dynamodb, tables.identity)
    identities.put_user("alice", Role.USER, now=START)
    identities.put_key("alice", key_id="k1", key_hash=HASH, event=CREATED)
    update(emulator, tables.identity, "U#alice", **{MAX_PER_DAY: 7, MAX_QUEUE: -1})
    expected = Caller(user_id="alice", role=Role.USER, max_per_day=7, max_queue=-1)
    assert identities.caller_of(HASH) == expected
    identities.put_user("alice", Role.VIEWER, now=START)
    assert identities.caller_of(HASH) == replace(expected, role=Role.VIEWER)


def test_a_revoked_key_opens_nothing(identities: Identities) -> None:
    identities.put_user("alice", Role.USER, now=START)
    for key_id, key_hash in (("a-1", HASH), ("a_1", "00" * 32)):
        identities.put_key("alice", key_id=key_id, key_hash=key_hash, event=a_key_event(key_id=key_id))
    ended = a_key_event(EventType.KEY_REVOKED, key_id="a-1", at=SOON)
    identities.revoke("alice", key_id="a-1", event=ended)
    assert identities.caller_of(HASH) is None
    assert identities.caller_of("00" * 32) == Caller(user_id="alice", role=Role.USER)
    user = identities.user("alice")
    assert user is not None
    assert (user.keys, user.seq, user.event) == ((Key(key_id="a_1", created_at=START),), 3, ended)


@pytest.mark.parametrize(("owner", "key_id"), [("alice", "gone"), ("alice", "x.y/#ø"), ("bob", "k1"), ("nobody", "k1")])
def test_what_is_no_key_of_the_user_is_not_revoked(identities: Identities, owner: str, key_id: str) -> None:
    for name in ("alice", "bob"):
        identities.put_user(name, Role.USER, now=START)
    identities.put_key("alice", key_id="k1", key_hash=HASH, event=CREATED)
    with pytest.raises(NotFound):
        identities.revoke(owner, key_id=key_id, event=CREATED)
    assert identities.caller_of(HASH) == Caller(user_id="alice", role=Role.USER)


def test_keys_are_bounded(identities: Identities) -> None:
    identities.put_user("alice", Role.USER, now=START)
    for number in range(MOST_KEYS):
        identities.put_key("alice", key_id=f"k{number}", key_hash=f"{number:064d}", event=CREATED)
    with pytest.raises(TooManyKeys):
        identities.put_key("alice", key_id="k", key_hash=HASH, event=CREATED)
    assert identities.caller_of(HASH) is None
    identities.revoke("alice", key_id="k7", event=CREATED)
    identities.put_key("alice", key_id="k", key_hash=HASH, event=CREATED)
    assert identities.caller_of(HASH) == Caller(user_id="alice", role=Role.USER)


def test_a_user_is_made_once(identities: Identities) -> None:
    carol = User(user_id="carol", role=Role.USER, created_at=START, max_per_day=-1)
    identities.create(carol)
    with pytest.raises(AlreadyExists):
        identities.create(replace(carol, role=Role.ADMIN))
    assert identities.user("carol") == carol
    identities.put_key("carol", key_id="k1", key_hash=HASH, event=CREATED)
    expected = replace(carol, keys=(Key(key_id="k1", created_at=START),), seq=1, event=CREATED)
    assert identities.user("carol") == expected


def test_what_is_not_named_stays(identities: Identities) -> None:
    carol = User(user_id="carol", role=Role.USER, created_at=START, max_per_day=5, max_queue=6)
    identities.create(carol)
    changed = identities.amend("carol", {"role": Role.VIEWER, "max_per_day": None})
    assert changed == identities.user("carol") == replace(carol, role=Role.VIEWER, max_per_day=None)
    with pytest.raises(NotFound):
        identities.amend("nobody", {"max_queue": 1})
    assert identities.user("nobody") is None


def test_users_are_listed_by_id_and_keys_are_not(identities: Identities) -> None:
    for name in ("dora", "anna", "carl"):
        identities.create(User(user_id=name, role=Role.USER, created_at=START))
    identities.put_user("bert", Role.ADMIN, now=START)
    identities.put_key("anna", key_id="k1", key_hash=HASH, event=CREATED)
    everybody = [user.user_id for user in identities.everybody()]
    assert (
        everybody
        == [user.user_id for user in identities.users(after=None, limit=9)]
        == ["anna", "bert", "carl", "dora"]
    )
    page = identities.users(after="anna", limit=2)
    assert page == [identities.user("bert"), identities.user("carl")]


def test_the_index_of_users_holds_no_key(emulator: Emulator, tables: Tables) -> None:
    identities = DynamoIdentities(emulator.aws.dynamodb, tables.identity)
    identities.put_user("alice", Role.USER, now=START)
    identities.put_key("alice", key_id="k1", key_hash=HASH, event=CREATED)
    found = emulator.client("dynamodb").scan(TableName=tables.identity, IndexName="users")["Items"]
    assert [item["pk"]["S"] for item in found] == ["U#alice"]
