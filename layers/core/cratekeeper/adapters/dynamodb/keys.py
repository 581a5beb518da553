"""Where the records of the queue table live, and what its sparse indexes hold."""

from typing import Final

from cratekeeper.adapters.dynamodb.attributes import Item, attribute
from cratekeeper.domain.ids import Key, child_id, shard_of
from cratekeeper.domain.lanes import Lane, Rank, Waiting
from cratekeeper.domain.models import Kind
from cratekeeper.domain.states import State

FAMILY: Final = "D#"
"""Prefix of a root's partition."""

FIRST_OF_FAMILY: Final = "C"
LAST_OF_FAMILY: Final = "T"
"""Around root, children and set chunks; the plan, which no visit needs to read, sorts behind."""

LAST_ROOT: Final = "~"
"""Sorts after every root's id."""

WAITING: Final = "w"
"""The one partition of the `waiting` index: one Query meets the work of all lanes in its order."""

DUE_INDEX: Final = "due"
USER_INDEX: Final = "by_user"
WAITING_INDEX: Final = "waiting"
STATUS_INDEX: Final = "by_status"

PARKED: Final = "P"
"""Begin of the range of parked albums in `waiting`: behind all work of all lanes."""

_PLAN: Final = "P#"

PLANS: Final = f"~{_PLAN}"
"""Begin of the range of a root's plans."""


def primary(pk: str, sk: str) -> Item:
    """A primary key of the table."""
    return {"pk": attribute(pk), "sk": attribute(sk)}


def partition(root: str) -> str:
    """The partition of a root and everything that belongs to it."""
    return FAMILY + root


def where(key: Key) -> Item:
    """The primary key of a download, a set chunk or a plan chunk."""
    part = f"~{key.part}" if key.part.startswith(_PLAN) else key.part
    return primary(partition(key.root), part)


def key_in(item: Item) -> Key | None:
    """The way back for a download or a set chunk; None for any other record."""
    pk, sk = item["pk"]["S"], item["sk"]["S"]
    is_ours = pk.startswith(FAMILY) and (sk == "D" or sk.startswith(("C#", "S#")))
    return Key(pk.removeprefix(FAMILY), sk) if is_ours else None


def download_id_of(key: Key) -> str:
    """The id of the download at a root's or a child's key."""
    return key.root if key.part == "D" else child_id(key.root, number_of(key))


def number_of(key: Key) -> int:
    """The ordinal of a child, or the number of a set chunk."""
    return int(key.part[2:])


def lock_at(kind: Kind, content_id: str) -> Item:
    """The active-content lock."""
    return primary(f"L#{kind.value}#{content_id}", "L")


def usage_at(user_id: str) -> Item:
    """What a user has in use. Its partition is no attribute `u`: only roots are in `by_user`."""
    return primary(f"U#{user_id}", "U")


def window_at(name: str) -> Item:
    """A capacity window."""
    return primary(f"W#{name}", "W")


CONTROL: Final = primary("CTL", "CTL")
"""The control item."""


def status_partition(state: State, shard: int) -> str:
    """Hash of `by_status`."""
    return f"{state.value}#{shard}"


def status_of(state: State, root: str) -> str:
    """Hash of `by_status` for one root."""
    return status_partition(state, shard_of(root))


def waiting_prefix(lane: Lane, rank: Rank) -> str:
    """Begin of the range key in `waiting` of one lane's roots of one rank."""
    return f"{PARKED}{lane.value}#" if rank is Rank.PARKED else f"{lane.value}{rank.value}#"


def waiting_key(waiting: Waiting, root: str) -> str:
    """Range of `waiting`: lane, rank, age."""
    return waiting_prefix(waiting.lane, waiting.rank) + root


def waiting_in(range_key: str) -> Waiting:
    """The way back from a range of `waiting`."""
    if range_key.startswith(PARKED):
        return Waiting(Lane(int(range_key[1])), Rank.PARKED)
    return Waiting(Lane(int(range_key[0])), Rank(range_key[1]))
