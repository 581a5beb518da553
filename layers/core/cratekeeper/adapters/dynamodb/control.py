"""The control item: how permits, hungry ids, limit and pause are stored."""

from typing import Final

from cratekeeper.adapters.dynamodb.attributes import Attribute, Item, attribute, milliseconds, moment_of, plain
from cratekeeper.adapters.dynamodb.forms import EVENT
from cratekeeper.domain.control import Control, Permit
from cratekeeper.domain.lanes import Lane

PERMITS: Final = "p"
LIMIT: Final = "lim"
PAUSED: Final = "paused"
PAUSED_REASON: Final = "reason"
PAUSED_BY: Final = "by"
RESUME_AT: Final = "ra"
SEQ: Final = "n"
EVENT_DONE: Final = "ev"
UNLIMITED: Final = -1


def hungry_in(lane: Lane) -> str:
    """The attribute with a lane's hungry ids."""
    return f"h{lane.value}"


def permit_value(permit: Permit) -> Attribute:
    """A permit in 17 bytes or so: `{until, epoch ms} {epoch} {round}`, compared as a whole."""
    return attribute(f"{milliseconds(permit.until)} {permit.epoch} {permit.round}")


def permit_in(value: str) -> Permit:
    """The way back."""
    until, epoch, round_ = map(int, value.split())
    return Permit(moment_of(until), epoch, round_)


def limit_value(limit: int | None) -> Attribute:
    """A limit set at run time; None = unlimited."""
    return attribute(UNLIMITED if limit is None else limit)


def control_in(item: Item | None, *, default_limit: int | None) -> Control:
    """The control item; `default_limit` is the deployment's, in force until one is set at run time."""
    found = plain(item or {})
    limit = found.get(LIMIT, UNLIMITED if default_limit is None else default_limit)
    hungry = {lane: found.get(hungry_in(lane), frozenset()) for lane in Lane}
    resume_at, event = found.get(RESUME_AT), found.get(EVENT_DONE)
    return Control(
        limit=None if limit == UNLIMITED else limit,
        paused=found.get(PAUSED, False),
        paused_reason=found.get(PAUSED_REASON),
        paused_by=found.get(PAUSED_BY),
        resume_at=None if resume_at is None else moment_of(resume_at),
        permits={each: permit_in(value) for each, value in found.get(PERMITS, {}).items()},
        hungry={lane: ids for lane, ids in hungry.items() if ids},
        seq=found.get(SEQ, 0),
        event=None if event is None else EVENT.load(event),
    )
