"""What the adapters do when the service throttles, conflicts, answers in part, or is not heard."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cratekeeper.adapters.aws import Aws
from cratekeeper.adapters.bus import EventBridgeBus
from cratekeeper.adapters.dynamodb.attributes import Item, attribute
from cratekeeper.adapters.dynamodb.catalog import DynamoCatalog
from cratekeeper.adapters.dynamodb.history import DynamoHistory
from cratekeeper.adapters.dynamodb.identity import DynamoIdentities
from cratekeeper.adapters.dynamodb.patience import TRIES, Patience
from cratekeeper.adapters.dynamodb.permits import DynamoPermits
from cratekeeper.adapters.dynamodb.store import DynamoDownloadStore
from cratekeeper.adapters.sqs import SqsBell
from cratekeeper.domain import transitions
from cratekeeper.domain.access import Role
from cratekeeper.domain.announcements import user_created
from cratekeeper.domain.control import Held, Permit, Seeker
from cratekeeper.domain.errors import Unavailable, WriteRefused
from cratekeeper.domain.ids import Key
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import Download
from cratekeeper.domain.users import User
from cratekeeper.domain.writes import Create, Lock, TakeLock
from tests.contract.conftest import LIMIT, Tables
from tests.contract.emulator import Emulator, a_free_port, a_session
from tests.contract.samples import SOON, a_key_event, a_root, an_entry, an_id
from tests.contract.test_catalog import metadata
from tests.contract.wire import Fault, answer, broken, cancelled, error, lost, meeting
from tests.memory.virtual import START, SeededDice

THROTTLED = error("ThrottlingException")
CONFLICT = cancelled("None", "TransactionConflict")


@dataclass(slots=True)
class Bench:
    """The adapters of one table, and how long they waited."""

    client: Any
    tables: Tables
    waits: list[float] = field(default_factory=list)

    @property
    def patience(self) -> Patience:
        return Patience(dice=SeededDice(), sleep=self.waits.append)

    @property
    def store(self) -> DynamoDownloadStore:
        return DynamoDownloadStore(self.client, self.tables.queue, patience=self.patience, default_limit=LIMIT)

    @property
    def permits(self) -> DynamoPermits:
        return DynamoPermits(self.client, self.tables.queue, default_limit=LIMIT)


@pytest.fixture
def bench(emulator: Emulator, tables: Tables) -> Bench:
    return Bench(emulator.aws.dynamodb, tables)


def a_pair() -> tuple[Create, TakeLock]:
    root = a_root()
    return Create(root), TakeLock(root.kind, root.content_id, root.id)


def stored(bench: Bench, key: Key) -> object:
    return bench.store.get(key).get(key)


def test_what_passes_is_repeated_by_the_sdk(bench: Bench) -> None:
    root = a_root()
    with meeting(bench.client, "PutItem", THROTTLED, broken):
        bench.store.commit(Create(root))
    assert stored(bench, root.key) == root


@pytest.mark.case("I-11")
@pytest.mark.parametrize("fault", [THROTTLED, answer(503)], ids=["throttled", "fault"])
def test_what_lasts_is_unavailable(bench: Bench, fault: Fault) -> None:
    root = a_root()
    with meeting(bench.client, "PutItem", *[fault] * 3) as wire, pytest.raises(Unavailable):
        bench.store.commit(Create(root))
    assert wire.requests == 3
    assert stored(bench, root.key) is None


def test_a_service_that_is_not_there_is_unavailable(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://127.0.0.1:{a_free_port()}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    client = Aws(a_session(url)).dynamodb
    with pytest.raises(Unavailable, match="127"):
        DynamoPermits(client, tables.queue, default_limit=LIMIT).read()


def test_what_is_unforeseen_flies_on(bench: Bench) -> None:
    with meeting(bench.client, "PutItem", error("AccessDeniedException")), pytest.raises(ClientError):
        bench.store.commit(Create(a_root()))
    with meeting(bench.client, "UpdateItem", error("ValidationException")), pytest.raises(ClientError):
        bench.permits.unmark(["x"], Lane.LOW)
    with meeting(bench.client, "TransactWriteItems", error("ValidationException")), pytest.raises(ClientError):
        bench.store.commit(*a_pair())


def test_a_conflict_of_transactions_passes(bench: Bench) -> None:
    create, lock = a_pair()
    with meeting(bench.client, "TransactWriteItems", CONFLICT, cancelled("ThrottlingError", "None")) as wire:
        bench.store.commit(create, lock)
    assert stored(bench, create.record.key) == create.record
    assert (wire.requests, len(bench.waits)) == (3, 2)


def test_a_conflict_with_one_write_passes(bench: Bench) -> None:
    root = a_root()
    with meeting(bench.client, "PutItem", error("TransactionConflictException")) as wire:
        bench.store.commit(Create(root))
    assert stored(bench, root.key) == root
    assert (wire.requests, len(bench.waits)) == (2, 1)


@pytest.mark.parametrize("count_of_writes", [1, 2])
def test_conflicts_without_end_are_unavailable(bench: Bench, count_of_writes: int) -> None:
    faults = {1: error("TransactionConflictException"), 2: CONFLICT}
    operation = {1: "PutItem", 2: "TransactWriteItems"}[count_of_writes]
    with meeting(bench.client, operation, *[faults[count_of_writes]] * 99) as wire, pytest.raises(Unavailable):
        bench.store.commit(*a_pair()[:count_of_writes])
    assert wire.requests == TRIES
    assert len(bench.waits) == TRIES - 1
    assert all(0 <= wait <= 0.04 * 2**number for number, wait in enumerate(bench.waits))


def test_a_refusal_is_one_although_others_conflict(bench: Bench) -> None:
    create, lock = a_pair()
    item = {"pk": attribute("L#x"), "sk": attribute("L"), "o": attribute("another")}
    fault = cancelled("TransactionConflict", "ConditionalCheckFailed", item1=item)
    with meeting(bench.client, "TransactWriteItems", fault), pytest.raises(WriteRefused) as refused:
        bench.store.commit(create, lock)
    assert refused.value.write is lock
    assert refused.value.current == Lock("another")


def test_a_transaction_cancelled_by_a_bug_flies_on(bench: Bench) -> None:
    fault = cancelled("TransactionConflict", "ValidationError")
    with meeting(bench.client, "TransactWriteItems", fault) as wire, pytest.raises(ClientError):
        bench.store.commit(*a_pair())
    assert wire.requests == 1


@pytest.mark.case("N-04")
def test_the_lost_answer_of_a_claim_shows_whose_it_is(bench: Bench) -> None:
    """I6: the SDK repeats, and the refusal carries our own success."""
    root = a_root()
    bench.store.commit(Create(root))
    with meeting(bench.client, "UpdateItem", lost), pytest.raises(WriteRefused) as refused:
        bench.store.write(transitions.claim(root, lease_until=SOON, owner="me", now=START))
    current = refused.value.current
    assert isinstance(current, Download)
    assert (current.owner, current.epoch, current.seq) == ("me", 1, 2)


def test_the_lost_answer_of_a_transaction_is_repeated_under_its_token(bench: Bench) -> None:
    create, lock = a_pair()
    with meeting(bench.client, "TransactWriteItems", lost) as wire:
        bench.store.commit(create, lock)
    assert wire.requests == 2
    assert stored(bench, create.record.key) == create.record


def test_the_lost_answer_of_a_permit_write_is_a_success(bench: Bench) -> None:
    first, second = (Seeker(an_id(), Lane.NORMAL, Permit(SOON, 0, 0)) for _ in range(2))
    bench.permits.unmark(["x"], Lane.LOW)
    with meeting(bench.client, "UpdateItem", lost):
        assert bench.permits.take(first, limit=LIMIT).permits == {first.id: first.permit}
    with meeting(bench.client, "UpdateItem", lost):
        swapped = bench.permits.swap(Held(first.id, first.permit), second, limit=LIMIT)
    assert swapped.permits == {second.id: second.permit}
    with meeting(bench.client, "UpdateItem", lost):
        renewed = bench.permits.renew(Held(second.id, second.permit), until=START)
    assert renewed.permits == {second.id: Permit(START, 0, 0)}
    with meeting(bench.client, "UpdateItem", lost):
        assert bench.permits.drop(Held(second.id, Permit(START, 0, 0))).permits == {}


def test_a_control_item_that_vanishes_is_unavailable(bench: Bench) -> None:
    refused = error("ConditionalCheckFailedException")
    with meeting(bench.client, "UpdateItem", refused, answer(200), refused, answer(200)), pytest.raises(Unavailable):
        bench.permits.unmark(["x"], Lane.LOW)


def unprocessed_reads(table: str, keys: list[Item]) -> Fault:
    return answer(200, Responses={}, UnprocessedKeys={table: {"Keys": keys, "ConsistentRead": True}})


def test_reads_left_undone_are_done(bench: Bench) -> None:
    roots = [a_root() for _ in range(3)]
    bench.store.commit(*map(Create, roots))
    keys = [{"pk": attribute(f"D#{root.id}"), "sk": attribute("D")} for root in roots]
    with meeting(bench.client, "BatchGetItem", unprocessed_reads(bench.tables.queue, keys)) as wire:
        found = bench.store.get(*(root.key for root in roots))
    assert found == {root.key: root for root in roots}
    assert (wire.requests, len(bench.waits)) == (2, 1)


def test_reads_left_undone_for_ever_are_unavailable(bench: Bench) -> None:
    keys = [{"pk": attribute("D#1"), "sk": attribute("D")}]
    fault = unprocessed_reads(bench.tables.queue, keys)
    with meeting(bench.client, "BatchGetItem", *[fault] * 99) as wire, pytest.raises(Unavailable):
        bench.store.briefing(an_id())
    assert wire.requests == TRIES


def unprocessed_puts(table: str, items: list[Item]) -> Fault:
    return answer(200, UnprocessedItems={table: [{"PutRequest": {"Item": item}} for item in items]})


def test_puts_left_undone_are_done(bench: Bench) -> None:
    history = DynamoHistory(bench.client, bench.tables.history, patience=bench.patience, retention_days=None)
    item = an_id()
    entries = [an_entry(item, seq) for seq in (1, 2)]
    late = [{"pk": attribute(f"D#{item}"), "sk": attribute("000009"), "v": attribute({"t": "KEY_CREATED", "a": 0})}]
    with meeting(bench.client, "BatchWriteItem", unprocessed_puts(bench.tables.history, late)) as wire:
        history.put(entries)
    assert [entry.seq for entry in history.of_download(item, after=0, limit=9)] == [9]
    assert (wire.requests, len(bench.waits)) == (2, 1)


def test_puts_left_undone_for_ever_are_unavailable(bench: Bench) -> None:
    history = DynamoHistory(bench.client, bench.tables.history, patience=bench.patience, retention_days=None)
    fault = unprocessed_puts(bench.tables.history, [{"pk": attribute("D#1"), "sk": attribute("1")}])
    with meeting(bench.client, "BatchWriteItem", *[fault] * 99) as wire, pytest.raises(Unavailable):
        history.put([an_entry(an_id(), seq) for seq in (1, 2)])
    assert wire.requests == TRIES


_numbers = count(1)


@pytest.mark.case("E-02")
def test_messages_and_events_not_taken_are_unavailable(emulator: Emulator) -> None:
    sqs, events, name = emulator.aws.sqs, emulator.aws.events, f"wire-{next(_numbers)}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    failed: Any = [{"Id": "0", "SenderFault": False, "Code": "InternalError"}]
    with meeting(sqs, "SendMessageBatch", answer(200, Failed=failed, Successful=[])), pytest.raises(Unavailable):
        SqsBell(sqs, {Lane.HIGH: url}).ring(Lane.HIGH, [an_id()])
    with meeting(events, "PutEvents", answer(200, FailedEntryCount=1, Entries=[{}])), pytest.raises(Unavailable):
        EventBridgeBus(events, name).publish([user_created(User(user_id="x", role=Role.USER, created_at=START))])


def test_what_is_unforeseen_of_a_message_or_an_album_flies_on(emulator: Emulator, bench: Bench) -> None:
    sqs = emulator.aws.sqs
    url = sqs.create_queue(QueueName=f"wire-{next(_numbers)}")["QueueUrl"]
    denied = error("AccessDeniedException")
    with meeting(sqs, "ChangeMessageVisibility", denied), pytest.raises(ClientError):
        SqsBell(sqs, {Lane.LOW: url}).postpone("r", Lane.LOW, seconds=1)
    catalog = DynamoCatalog(bench.client, bench.tables.catalog, patience=bench.patience)
    with meeting(bench.client, "BatchWriteItem", denied), pytest.raises(ClientError):
        catalog.ingest(metadata())


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError"])
def test_a_user_that_is_being_changed_is_tried_again_later(emulator: Emulator, tables: Tables, reason: str) -> None:
    identities = DynamoIdentities(emulator.aws.dynamodb, tables.identity)
    identities.put_user("alice", Role.USER, now=START)
    with (
        meeting(emulator.aws.dynamodb, "TransactWriteItems", cancelled(reason, "None")),
        pytest.raises(Unavailable),
    ):
        identities.put_key("alice", key_id="k", key_hash="h", event=a_key_event())
    assert identities.caller_of("h") is None


@pytest.mark.parametrize("refusal", [error("ValidationException"), cancelled("ValidationError", "None")])
def test_what_is_unforeseen_of_a_key_flies_on(emulator: Emulator, tables: Tables, refusal: Fault) -> None:
    identities = DynamoIdentities(emulator.aws.dynamodb, tables.identity)
    identities.put_user("alice", Role.USER, now=START)
    with meeting(emulator.aws.dynamodb, "TransactWriteItems", refusal), pytest.raises(ClientError):
        identities.put_key("alice", key_id="k", key_hash="h", event=a_key_event())


def test_a_key_whose_answer_was_lost_is_there_once(emulator: Emulator, tables: Tables) -> None:
    """I6: the SDK repeats the transaction under its token."""
    identities = DynamoIdentities(emulator.aws.dynamodb, tables.identity)
    identities.put_user("alice", Role.USER, now=START)
    with meeting(emulator.aws.dynamodb, "TransactWriteItems", lost):
        identities.put_key("alice", key_id="k", key_hash="h", event=a_key_event())
    user = identities.user("alice")
    assert user is not None
    assert (user.seq, len(user.keys)) == (1, 1)
