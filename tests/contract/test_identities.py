"""The port Identities."""

from dataclasses import replace

import pytest

from cratekeeper.adapters.dynamodb.identity import MAX_PER_DAY, MAX_QUEUE, REVOKED, DynamoIdentities
from cratekeeper.domain.access import Caller, Role
from cratekeeper.ports import Identities
from tests.contract.conftest import Tables
from tests.contract.emulator import Emulator
from tests.memory.records import MemoryIdentities
from tests.memory.virtual import START

HASH = "5e" * 32


@pytest.fixture
def identities(backend: str, request: pytest.FixtureRequest) -> Identities:
    if backend == "memory":
        return MemoryIdentities()
    emulator, tables = request.getfixturevalue("emulator"), request.getfixturevalue("tables")
    return DynamoIdentities(emulator.aws.dynamodb, tables.identity)


def test_a_key_has_an_owner(identities: Identities) -> None:
    identities.put_user("alice", Role.USER)
    identities.put_key("alice", key_id="k1", key_hash=HASH, now=START)
    assert identities.caller_of(HASH) == Caller(user_id="alice", role=Role.USER)


def test_a_user_may_have_several_keys(identities: Identities) -> None:
    identities.put_user("alice", Role.VIEWER)
    for key_hash in (HASH, "00" * 32):
        identities.put_key("alice", key_id=key_hash[:4], key_hash=key_hash, now=START)
    assert identities.caller_of(HASH) == identities.caller_of("00" * 32)


@pytest.mark.case("U-01")
def test_an_unknown_key_has_none(identities: Identities) -> None:
    identities.put_user("alice", Role.USER)
    assert identities.caller_of(HASH) is None
    assert identities.caller_of("") is None
    assert identities.caller_of("alice") is None


def test_a_key_without_its_user_opens_nothing(identities: Identities) -> None:
    identities.put_key("ghost", key_id="k1", key_hash=HASH, now=START)
    assert identities.caller_of(HASH) is None


def test_a_new_role_is_in_force_at_once(identities: Identities) -> None:
    identities.put_user("alice", Role.USER)
    identities.put_key("alice", key_id="k1", key_hash=HASH, now=START)
    identities.put_user("alice", Role.ADMIN)
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
    identities.put_user("alice", Role.USER)
    identities.put_key("alice", key_id="k1", key_hash=HASH, now=START)
    update(emulator, tables.identity, "U#alice", **{MAX_PER_DAY: 7, MAX_QUEUE: -1})
    expected = Caller(user_id="alice", role=Role.USER, max_per_day=7, max_queue=-1)
    assert identities.caller_of(HASH) == expected
    identities.put_user("alice", Role.VIEWER)
    assert identities.caller_of(HASH) == replace(expected, role=Role.VIEWER)


def test_a_revoked_key_opens_nothing(emulator: Emulator, tables: Tables) -> None:
    identities = DynamoIdentities(emulator.aws.dynamodb, tables.identity)
    identities.put_user("alice", Role.USER)
    identities.put_key("alice", key_id="k1", key_hash=HASH, now=START)
    update(emulator, tables.identity, f"K#{HASH}", **{REVOKED: 1})
    assert identities.caller_of(HASH) is None
