"""The control item of the queue table: permits, hungry ids, limit and pause (protocol rules 1 to 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cratekeeper.adapters.aws import code_of, outages
from cratekeeper.adapters.dynamodb.attributes import attribute, milliseconds
from cratekeeper.adapters.dynamodb.control import (
    EVENT_DONE,
    LIMIT,
    PAUSED,
    PAUSED_BY,
    PAUSED_REASON,
    PERMITS,
    RESUME_AT,
    SEQ,
    control_in,
    hungry_in,
    limit_value,
    permit_value,
)
from cratekeeper.adapters.dynamodb.expressions import Expression
from cratekeeper.adapters.dynamodb.forms import EVENT
from cratekeeper.adapters.dynamodb.keys import CONTROL
from cratekeeper.domain.control import NO_MARKS
from cratekeeper.domain.errors import PermitRefused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from mypy_boto3_dynamodb import DynamoDBClient

    from cratekeeper.adapters.dynamodb.attributes import Item
    from cratekeeper.domain.control import Control, Held, Marks, Seeker
    from cratekeeper.domain.events import Event
    from cratekeeper.domain.lanes import Lane


class DynamoPermits:
    """The port `Permits` on DynamoDB. Each method is one call; the very first grant takes three.

    Args:
        client: DynamoDB.
        table: name of the queue table.
        default_limit: the deployment's `max_concurrent`, None = unlimited; a limit set at run time wins.

    """

    def __init__(self, client: DynamoDBClient, table: str, *, default_limit: int | None) -> None:
        self._client = client
        self._table = table
        self._default_limit = default_limit

    def read(self) -> Control:
        """One GetItem."""
        with outages():
            answer: Any = self._client.get_item(TableName=self._table, Key=CONTROL, ConsistentRead=True)
        return self._control(answer.get("Item"))

    def take(self, seeker: Seeker, *, limit: int) -> Control:
        """Under `Control.may_take`, and the limit as read."""
        built = self._grant(seeker, limit)
        built.only_if(f"size({built.name(PERMITS)}) < {built.value(attribute(limit))}")
        built.only_if(f"attribute_not_exists({_permit(built, seeker.id)})")
        try:
            return self._write(built)
        except PermitRefused as refused:
            if refused.control.permits.get(seeker.id) == seeker.permit:
                return refused.control
            raise

    def swap(self, held: Held, seeker: Seeker, *, limit: int) -> Control:
        """Under `Control.may_swap`, and the limit as read."""
        built = self._grant(seeker, limit)
        self._only_if_held(built, held)
        built.only_if(f"size({built.name(PERMITS)}) <= {built.value(attribute(limit))}")
        if seeker.rivals is not None:
            self._only_if_as_hungry(built, seeker.lane, seeker.rivals)
        if seeker.id != held.id:
            built.only_if(f"attribute_not_exists({_permit(built, seeker.id)})")
            built.clause("REMOVE", _permit(built, held.id))
        try:
            return self._write(built)
        except PermitRefused as refused:
            control = refused.control
            if control.permits.get(seeker.id) == seeker.permit and not control.holds(held):
                return control
            raise

    def drop(self, *held: Held, marks: Marks = NO_MARKS) -> Control:
        """Under the exact values; where one is gone already, again without it."""
        if not held and not marks:
            return self.read()
        built = Expression()
        for lane, ids in marks.items():
            built.drop(hungry_in(lane), attribute(ids))
        for each in held:
            self._only_if_held(built, each)
            built.clause("REMOVE", _permit(built, each.id))
        try:
            return self._write(built)
        except PermitRefused as refused:
            left = [each for each in held if refused.control.holds(each)]
            return self.drop(*left, marks=marks) if left or marks else refused.control

    def renew(self, held: Held, *, until: datetime) -> Control:
        """Under the exact value."""
        built = Expression()
        renewed = held.permit._replace(until=until)
        self._only_if_held(built, held)
        built.clause("SET", f"{_permit(built, held.id)} = {built.value(permit_value(renewed))}")
        try:
            return self._write(built)
        except PermitRefused as refused:
            if refused.control.permits.get(held.id) == renewed:
                return refused.control
            raise

    def mark(self, download_id: str, lane: Lane, *, limit: int) -> Control:
        """Under `Control.may_mark`, and the limit as read."""
        built = Expression()
        self._only_if_limit_is(built, limit)
        reasons = [
            f"size({built.name(PERMITS)}) >= {built.value(attribute(limit))}",
            f"attribute_exists({_permit(built, download_id)})",
            *(f"attribute_exists({built.name(hungry_in(above))})" for above in lane.higher),
        ]
        built.only_if(f"({' OR '.join(reasons)})")
        built.add(hungry_in(lane), attribute(frozenset({download_id})))
        return self._write(built)

    def unmark(self, ids: Iterable[str], lane: Lane) -> Control:
        """Under no condition."""
        gone = frozenset(ids)
        if not gone:
            return self.read()
        built = Expression()
        built.drop(hungry_in(lane), attribute(gone))
        return self._write(built)

    def pause(self, event: Event, *, reason: str | None, resume_at: datetime | None) -> Control:
        """While it is open."""
        built = Expression()
        built.only_if(f"attribute_not_exists({built.name(PAUSED)})")
        built.put(PAUSED, attribute(value=True))
        built.put(PAUSED_BY, attribute(event.actor))
        built.put(PAUSED_REASON, None if reason is None else attribute(reason))
        built.put(RESUME_AT, None if resume_at is None else attribute(milliseconds(resume_at)))
        return self._ordered(built, event)

    def resume(self, event: Event, *, due: datetime | None = None) -> Control:
        """While it is paused; a pause that ends by itself, while it is the one that was read."""
        built = Expression()
        built.only_if(f"attribute_exists({built.name(PAUSED)})")
        if due is not None:
            built.only_if_equal(RESUME_AT, attribute(milliseconds(due)))
        for name in (PAUSED, PAUSED_BY, PAUSED_REASON, RESUME_AT):
            built.put(name, None)
        return self._ordered(built, event)

    def set_limit(self, limit: int, *, event: Event) -> Control:
        """While another limit is in force: one set at run time, or else the deployment's."""
        built = Expression()
        name, value = built.name(LIMIT), built.value(limit_value(limit))
        if limit == self._default_limit:
            built.only_if(f"(attribute_exists({name}) AND {name} <> {value})")
        else:
            built.only_if(f"(attribute_not_exists({name}) OR {name} <> {value})")
        built.clause("SET", f"{name} = {value}")
        return self._ordered(built, event)

    def _ordered(self, built: Expression, event: Event) -> Control:
        """An operator's write with its event and the event's number; refused = it is so already.

        Our own repetition, after an answer that was lost, is refused as well.
        """
        built.put(EVENT_DONE, attribute(EVENT.store(event)))
        built.add(SEQ, attribute(1))
        try:
            return self._write(built)
        except PermitRefused as refused:
            return refused.control

    def _grant(self, seeker: Seeker, limit: int) -> Expression:
        """A permit for the seeker while the queue is open and no higher lane is hungry (rule 4)."""
        built = Expression()
        self._only_if_limit_is(built, limit)
        built.only_if(f"attribute_not_exists({built.name(PAUSED)})")
        for above in seeker.lane.higher:
            built.only_if(f"attribute_not_exists({built.name(hungry_in(above))})")
        built.clause("SET", f"{_permit(built, seeker.id)} = {built.value(permit_value(seeker.permit))}")
        built.drop(hungry_in(seeker.lane), attribute(frozenset({seeker.id})))
        return built

    def _only_if_held(self, built: Expression, held: Held) -> None:
        """Rule 1: a zombie can never touch its successor's permit."""
        built.only_if(f"{_permit(built, held.id)} = {built.value(permit_value(held.permit))}")

    def _only_if_as_hungry(self, built: Expression, lane: Lane, rivals: frozenset[str]) -> None:
        """The lane's hungry ids are those among which the seeker was found the best."""
        built.only_if_equal(hungry_in(lane), attribute(rivals) if rivals else None)

    def _only_if_limit_is(self, built: Expression, limit: int) -> None:
        """A limit changed meanwhile refuses the write, so that none is granted above a lowered one."""
        name = built.name(LIMIT)
        as_read = f"{name} = {built.value(limit_value(limit))}"
        if limit == self._default_limit:
            as_read = f"({as_read} OR attribute_not_exists({name}))"
        built.only_if(as_read)

    def _write(self, built: Expression) -> Control:
        """One conditional write. The first ever finds no map of permits, makes it and is repeated."""
        built.only_if(f"attribute_exists({built.name(PERMITS)})")
        for _ in range(2):
            try:
                with outages():
                    answer: Any = self._client.update_item(
                        TableName=self._table,
                        Key=CONTROL,
                        ReturnValues="ALL_NEW",
                        ReturnValuesOnConditionCheckFailure="ALL_OLD",
                        **built.parameters(),
                    )
            except ClientError as error:
                self._raise_unless_unmade(error)
            else:
                return self._control(answer["Attributes"])
        raise Unavailable("the control item is not there although it was just made")

    def _raise_unless_unmade(self, error: ClientError) -> None:
        """Raise PermitRefused, or what it is; but make the map if it was the map that was missing."""
        if code_of(error) != "ConditionalCheckFailedException":
            raise error
        item: Any = error.response.get("Item", {})
        if PERMITS in item:
            raise PermitRefused(self._control(item)) from error
        made = Expression()
        name = made.name(PERMITS)
        made.clause("SET", f"{name} = if_not_exists({name}, {made.value(attribute({}))})")
        with outages():
            self._client.update_item(TableName=self._table, Key=CONTROL, **made.parameters())

    def _control(self, item: Item | None) -> Control:
        return control_in(item, default_limit=self._default_limit)


def _permit(built: Expression, download_id: str) -> str:
    """The path of one permit in the map."""
    return f"{built.name(PERMITS)}.{built.name(download_id)}"
