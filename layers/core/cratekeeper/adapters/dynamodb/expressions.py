"""Changes as UpdateExpression and ConditionExpression."""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from cratekeeper.adapters.dynamodb.attributes import Attribute, Item, attribute
from cratekeeper.adapters.dynamodb.codec import attributes_of, name_of
from cratekeeper.adapters.dynamodb.keys import where
from cratekeeper.domain.writes import Change

Action = Literal["Put", "Update", "Delete", "ConditionCheck"]

EXISTS: Final = "attribute_exists(pk)"
ABSENT: Final = "attribute_not_exists(pk)"
NEVER: Final = f"{EXISTS} AND {ABSENT}"
"""A condition that does not hold of any item: for a write that is refused whatever is stored."""


@dataclass(slots=True)
class Expression:
    """An update and its condition while they are put together.

    Names are always given by placeholder: some short ones are reserved words.
    """

    names: dict[str, str] = field(default_factory=dict)
    values: Item = field(default_factory=dict)
    conditions: list[str] = field(default_factory=list)
    _clauses: dict[str, list[str]] = field(default_factory=dict)

    def name(self, attribute_name: str) -> str:
        """The placeholder of an attribute or of an entry of a map; ids have dashes, which none may have."""
        placeholder = "#" + attribute_name.replace("-", "_")
        self.names[placeholder] = attribute_name
        return placeholder

    def value(self, stored: Attribute) -> str:
        """The placeholder of a value."""
        placeholder = f":{len(self.values)}"
        self.values[placeholder] = stored
        return placeholder

    def only_if(self, condition: str) -> None:
        """Add a condition; all of them must hold."""
        self.conditions.append(condition)

    def only_if_equal(self, attribute_name: str, stored: Attribute | None) -> None:
        """Add the condition that an attribute has the value, or is absent."""
        name = self.name(attribute_name)
        self.only_if(f"attribute_not_exists({name})" if stored is None else f"{name} = {self.value(stored)}")

    def put(self, attribute_name: str, stored: Attribute | None) -> None:
        """Set an attribute, or remove it."""
        name = self.name(attribute_name)
        if stored is None:
            self.clause("REMOVE", name)
        else:
            self.clause("SET", f"{name} = {self.value(stored)}")

    def add(self, attribute_name: str, stored: Attribute) -> None:
        """Add to a number or a set."""
        self.clause("ADD", f"{self.name(attribute_name)} {self.value(stored)}")

    def drop(self, attribute_name: str, stored: Attribute) -> None:
        """Delete from a set."""
        self.clause("DELETE", f"{self.name(attribute_name)} {self.value(stored)}")

    def clause(self, verb: Literal["SET", "REMOVE", "ADD", "DELETE"], action: str) -> None:
        """Add one action to a part of the update."""
        self._clauses.setdefault(verb, []).append(action)

    @property
    def is_check(self) -> bool:
        """Whether it only asks and changes nothing."""
        return not self._clauses

    def parameters(self) -> dict[str, Any]:
        """The expressions as parameters of a call; empty ones are left out, as the service demands."""
        update = " ".join(f"{verb} {', '.join(actions)}" for verb, actions in self._clauses.items())
        found: dict[str, Any] = {
            "UpdateExpression": update,
            "ConditionExpression": " AND ".join(self.conditions),
            "ExpressionAttributeNames": self.names,
            "ExpressionAttributeValues": self.values,
        }
        return {name: value for name, value in found.items() if value}


def expression_of(change: Change) -> Expression:
    """The update of a change under its conditions; the record must exist."""
    built = Expression()
    built.only_if(EXISTS)
    _add_conditions(built, change)
    for name, value in change.put.items():
        for attribute_name, stored in attributes_of(name, value, change.key).items():
            built.put(attribute_name, stored)
    for set_name, ordinals in change.add.items():
        if ordinals:
            built.add(name_of(set_name), attribute(ordinals))
    for set_name, ordinals in change.drop.items():
        if ordinals:
            built.drop(name_of(set_name), attribute(ordinals))
    if change.plus_bytes:
        built.add(name_of("bytes_done"), attribute(change.plus_bytes))
    if change.event:
        _add_event(built, change)
    return built


def _add_conditions(built: Expression, change: Change) -> None:
    for name, value in change.given.items():
        guarded, *_ = attributes_of(name, value, change.key).items()
        built.only_if_equal(*guarded)
    if change.member:
        set_name, ordinal = change.member
        built.only_if(f"contains({built.name(name_of(set_name))}, {built.value(attribute(ordinal))})")


def _add_event(built: Expression, change: Change) -> None:
    """The event with its number: one above the stored one, which the caller need not know."""
    for attribute_name, stored in attributes_of("event", change.event, change.key).items():
        built.put(attribute_name, stored)
    seq, zero, one = built.name(name_of("seq")), built.value(attribute(0)), built.value(attribute(1))
    built.clause("SET", f"{seq} = if_not_exists({seq}, {zero}) + {one}")


@dataclass(frozen=True, slots=True)
class Request:
    """One conditional write: its action, and its parameters but for the table."""

    action: Action
    parameters: dict[str, Any]


def update(key: Item, expression: Expression) -> Request:
    """An update, or the bare check of its condition if nothing changes."""
    action: Action = "ConditionCheck" if expression.is_check else "Update"
    return Request(action, {"Key": key, **expression.parameters()})


def request_of_change(change: Change) -> Request:
    """A change as a request."""
    return update(where(change.key), expression_of(change))
