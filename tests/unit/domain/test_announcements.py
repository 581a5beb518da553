"""What subscribers of the bus are told."""

import pytest

from cratekeeper.domain.access import Role
from cratekeeper.domain.announcements import GONE, Topic, announced, user_created
from cratekeeper.domain.events import EventType, HistoryEntry
from cratekeeper.domain.users import User
from tests.support.builders import ROOT, an_event, at

STATES = {
    EventType.REQUEST_CREATED: (Topic.DOWNLOAD_REQUESTED, "PENDING"),
    EventType.WATCHDOG_QUEUED: (Topic.DOWNLOAD_REQUESTED, "PENDING"),
    EventType.DOWNLOAD_STARTED: (Topic.DOWNLOAD_STATUS_CHANGED, "IN_PROGRESS"),
    EventType.LEASE_RECOVERED: (Topic.DOWNLOAD_STATUS_CHANGED, "IN_PROGRESS"),
    EventType.CHILDREN_CREATED: (Topic.CATALOG_CHANGED, "IN_PROGRESS"),
    EventType.RETRY_SCHEDULED: (Topic.DOWNLOAD_STATUS_CHANGED, "RETRY_WAITING"),
    EventType.DOWNLOAD_PAUSED: (Topic.DOWNLOAD_STATUS_CHANGED, "PAUSED"),
    EventType.DOWNLOAD_RESUMED: (Topic.DOWNLOAD_STATUS_CHANGED, "PENDING"),
    EventType.USER_RETRY: (Topic.DOWNLOAD_STATUS_CHANGED, "PENDING"),
    EventType.ADMIN_RETRY: (Topic.DOWNLOAD_STATUS_CHANGED, "PENDING"),
    EventType.DOWNLOAD_CANCELLED: (Topic.DOWNLOAD_STATUS_CHANGED, "CANCELLED"),
    EventType.DOWNLOAD_COMPLETED: (Topic.DOWNLOAD_COMPLETED, "COMPLETED"),
    EventType.DOWNLOAD_FAILED: (Topic.DOWNLOAD_FAILED, "FAILED"),
    EventType.DOWNLOAD_DELETED: (Topic.DOWNLOAD_STATUS_CHANGED, GONE),
}


def an_entry(what: EventType, subject: str = ROOT, **fields: str | None) -> HistoryEntry:
    values = {"kind": "track", "content_id": "c", "source": "USER", "requested_by": "alice", **fields}
    return HistoryEntry(download_id=subject, seq=3, event=an_event(what, details={}), **values)


@pytest.mark.case("E-01")
@pytest.mark.parametrize(("kind", "told"), STATES.items(), ids=str)
def test_every_change_of_state_is_told_once(kind: EventType, told: tuple[Topic, str]) -> None:
    event = announced(an_entry(kind))
    assert event is not None
    assert (event.topic, event.data["status"]) == told
    assert (event.id, event.subject, event.data["event_type"]) == (f"{ROOT}:3", ROOT, kind)


@pytest.mark.case("E-01")
def test_what_is_told_names_who_and_what() -> None:
    event = announced(an_entry(EventType.DOWNLOAD_CANCELLED, f"{ROOT}-2"))
    assert event is not None
    named = {
        name: event.data[name] for name in ("download_id", "parent_id", "kind", "content_id", "requested_by", "source")
    }
    assert named == {
        "download_id": f"{ROOT}-2",
        "parent_id": ROOT,
        "kind": "track",
        "content_id": "c",
        "requested_by": "alice",
        "source": "USER",
    }


@pytest.mark.parametrize("kind", [each for each in EventType if each not in STATES])
def test_what_changes_no_state_is_for_the_history_alone(kind: EventType) -> None:
    assert announced(an_entry(kind)) is None


@pytest.mark.parametrize("kind", [EventType.DOWNLOAD_STARTED, EventType.LEASE_RECOVERED])
def test_that_a_child_began_is_not_told(kind: EventType) -> None:
    assert announced(an_entry(kind, f"{ROOT}-1")) is None


def test_what_is_no_download_is_not_told_of() -> None:
    assert announced(an_entry(EventType.DOWNLOAD_PAUSED, "queue", kind=None)) is None


def test_an_album_has_a_topic_of_its_own() -> None:
    event = announced(an_entry(EventType.DOWNLOAD_COMPLETED, kind="album"))
    assert event is not None
    assert event.topic is Topic.ALBUM_COMPLETED


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ({"message": "no such track", "error_type": "not_found"}, "no such track"),
        ({"message": None, "error_type": "not_found"}, "not_found"),
        ({"reason": "asked for"}, "asked for"),
        ({"attempt": 1}, None),
    ],
)
def test_the_reason_is_told_where_there_is_one(details: dict[str, str | int | None], reason: str | None) -> None:
    entry = HistoryEntry(
        download_id=ROOT, seq=1, kind="track", event=an_event(EventType.DOWNLOAD_FAILED, details=details)
    )
    event = announced(entry)
    assert event is not None
    assert event.data["reason"] == reason


def test_a_new_user_is_told_of() -> None:
    event = user_created(User(user_id="alice", role=Role.VIEWER, created_at=at(5)))
    assert (event.id, event.topic, event.at, event.subject) == (
        "user:alice:created",
        Topic.USER_CREATED,
        at(5),
        "user:alice",
    )
    assert event.data == {"user_id": "alice", "role": "viewer"}
