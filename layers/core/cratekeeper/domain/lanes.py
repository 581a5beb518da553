"""Lanes and the order of work: strictly by lane, then children before roots, then age."""

from enum import IntEnum, StrEnum
from typing import NamedTuple

from cratekeeper.domain.ids import split


class Lane(IntEnum):
    """A priority and its queue; the lower number goes first."""

    HIGH = 1
    NORMAL = 2
    LOW = 3

    @property
    def higher(self) -> tuple["Lane", ...]:
        """The lanes that go before this one."""
        return tuple(lane for lane in Lane if lane < self)


class Rank(StrEnum):
    """The place of a root's entry within its lane in the `waiting` index."""

    CHILDREN = "0"
    """An expanded album with children that wait to be released."""
    ROOT = "1"
    """A root that waits for its first start, or for its resumption."""
    PARKED = "2"
    """An album that waits for the next capacity window."""


class Waiting(NamedTuple):
    """A root's entry in the `waiting` index."""

    lane: Lane
    rank: Rank


class Order(NamedTuple):
    """Sort key of work: the smallest goes first (protocol, *Order*).

    A ULID begins with its creation time, so the root's id is the age.
    """

    lane: Lane
    is_root: bool
    root: str
    ordinal: int


def order_of(download_id: str, lane: Lane) -> Order:
    """The place of a download among all waiting work."""
    root, ordinal = split(download_id)
    return Order(lane, ordinal is None, root, ordinal or 0)
