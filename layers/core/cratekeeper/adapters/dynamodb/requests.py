"""Every write of the queue table as one conditional request, and what a refusal shows."""

from datetime import UTC, datetime, timedelta
from typing import Final, assert_never

from cratekeeper.adapters.dynamodb.attributes import Item, attribute, plain
from cratekeeper.adapters.dynamodb.codec import decode, encode, encode_plan
from cratekeeper.adapters.dynamodb.expressions import (
    ABSENT,
    NEVER,
    Expression,
    Request,
    request_of_change,
    update,
)
from cratekeeper.adapters.dynamodb.keys import lock_at, usage_at, where, window_at
from cratekeeper.domain.models import Usage
from cratekeeper.domain.writes import (
    Change,
    Create,
    Erase,
    FreeLock,
    FreeSlot,
    Lock,
    Pin,
    Record,
    TakeCapacity,
    TakeLock,
    TakeSlot,
    Window,
    Write,
)

_HOLDER: Final = "o"
_DAY: Final = "day"
_COUNT: Final = "n"
_ACTIVE: Final = "act"

WINDOW_DAYS: Final = 7
"""Days that a capacity window is kept after it began; no window is longer than one."""


def request_of(write: Write) -> Request:  # noqa: PLR0911 - one return per kind of write
    """The conditional request that carries a write out."""
    match write:
        case Change():
            return request_of_change(write)
        case Create(record):
            return Request("Put", {"Item": encode(record), "ConditionExpression": ABSENT})
        case Pin(chunk):
            return Request("Put", {"Item": encode_plan(chunk)})
        case Erase(key):
            return Request("Delete", {"Key": where(key)})
        case TakeLock() | FreeLock():
            return _lock(write)
        case TakeSlot() | FreeSlot():
            return _slot(write)
        case TakeCapacity():
            return _take_capacity(write)
        case other:
            assert_never(other)


def current_of(write: Write, item: Item | None) -> Record | None:
    """The record that refused a write, from the item that the refusal carried."""
    if not item:
        return None
    match write:
        case Change() | Create() | Pin() | Erase():
            return decode(item)
        case TakeLock() | FreeLock():
            return Lock(holder_in(item))
        case TakeSlot() | FreeSlot():
            return usage_in(item, write.user_id)
        case TakeCapacity():
            return Window(write.window, used_in(item))
        case other:
            assert_never(other)


def holder_in(item: Item) -> str:
    """Who holds a lock."""
    return str(plain(item)[_HOLDER])


def usage_in(item: Item, user_id: str) -> Usage:
    """A user's usage record; an empty item says that nothing is in use."""
    found = plain(item)
    return Usage(
        user_id=user_id,
        day=found.get(_DAY, ""),
        requests=found.get(_COUNT, 0),
        active=found.get(_ACTIVE, frozenset()),
    )


def used_in(item: Item) -> int:
    """Albums counted in a window."""
    return int(plain(item).get(_COUNT, 0))


def _lock(write: TakeLock | FreeLock) -> Request:
    """A lock is the holder's to put again and to delete, and anybody's if there is none."""
    built = Expression()
    holder = attribute(write.holder)
    built.only_if(f"({ABSENT} OR {built.name(_HOLDER)} = {built.value(holder)})")
    key = lock_at(write.kind, write.content_id)
    if isinstance(write, FreeLock):
        return Request("Delete", {"Key": key, **built.parameters()})
    return Request("Put", {"Item": {**key, _HOLDER: holder}, **built.parameters()})


def _slot(write: TakeSlot | FreeSlot) -> Request:
    built = Expression()
    if isinstance(write, FreeSlot):
        built.drop(_ACTIVE, attribute(frozenset({write.root})))
    else:
        _add_limits(built, write)
        built.add(_ACTIVE, attribute(write.roots))
    return update(usage_at(write.user_id), built)


def _add_limits(built: Expression, write: TakeSlot) -> None:
    if write.max_active is not None:
        _only_if_below(built, write.max_active - len(write.others), f"size({built.name(_ACTIVE)})", _ACTIVE)
    if write.is_request:
        _count_request(built, write)


def _count_request(built: Expression, write: TakeSlot) -> None:
    """One more request of the day for each root: the day as read, and the limit on it kept."""
    count = attribute(len(write.roots))
    limit = None if write.max_requests is None else write.max_requests - len(write.others)
    built.only_if_equal(_DAY, attribute(write.known_day) if write.known_day else None)
    if write.day == write.known_day:
        if limit is not None:
            _only_if_below(built, limit, built.name(_COUNT), _COUNT)
        built.add(_COUNT, count)
        return
    # A clock that lags behind the stored day must not start its count anew.
    if write.day < write.known_day or (limit is not None and limit <= 0):
        built.only_if(NEVER)
    built.put(_DAY, attribute(write.day))
    built.put(_COUNT, count)


def _only_if_below(built: Expression, limit: int, amount: str, attribute_name: str) -> None:
    """Below the limit, where an absent attribute counts as zero."""
    if limit <= 0:
        built.only_if(NEVER)
        return
    absent = f"attribute_not_exists({built.name(attribute_name)})"
    built.only_if(f"({absent} OR {amount} < {built.value(attribute(limit))})")


def _take_capacity(write: TakeCapacity) -> Request:
    built = Expression()
    if write.limit is not None:
        _only_if_below(built, write.limit, built.name(_COUNT), _COUNT)
    built.add(_COUNT, attribute(1))
    built.put("ttl", attribute(_forgotten_at(write.window)))
    return update(window_at(write.window), built)


def _forgotten_at(window: str) -> int:
    """Epoch seconds at which a window named `H#2026-11-21T08` or `D#2026-11-21` may go."""
    begun = datetime.fromisoformat(window.partition("#")[2][:10]).replace(tzinfo=UTC)
    return int((begun + timedelta(days=WINDOW_DAYS)).timestamp())
