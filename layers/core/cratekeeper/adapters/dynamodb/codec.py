"""Downloads, set chunks and plan chunks as items of the queue table, and back.

A field may stand in more than one attribute: the keys of the sparse indexes are derived here and
nowhere else. `given` with a field's default asks for the absence of its attribute (`forms`).
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any, Final

from cratekeeper.adapters.dynamodb.attributes import Attribute, Item, attribute, milliseconds, moment_of, value_of
from cratekeeper.adapters.dynamodb.forms import CASCADE, CHILD_PLAN, EVENT, MEDIA, TALLY, UPLOAD, Form, defaults, moment
from cratekeeper.adapters.dynamodb.keys import (
    WAITING,
    download_id_of,
    key_in,
    number_of,
    status_of,
    waiting_in,
    waiting_key,
    where,
)
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.ids import Key, plan_key, shard_of
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import Chunk, Download, Kind, PlanChunk, Source
from cratekeeper.domain.states import State
from cratekeeper.domain.writes import Stored

_FORMS: Final[Mapping[str, Form]] = {
    "kind": Form("k", load=Kind),
    "content_id": Form("c"),
    "created_at": moment("ca"),
    "updated_at": moment("ua"),
    "content_name": Form("cn"),
    "artist_name": Form("an"),
    "source": Form("s", load=Source),
    "lane": Form("l", load=Lane),
    "force": Form("f"),
    "stored": Form("sd"),
    "started_at": moment("sa"),
    "completed_at": moment("co"),
    "next_retry_at": moment("nr"),
    "parked_until": moment("pu"),
    "paused_from": Form("pf", load=State),
    "epoch": Form("e"),
    "round": Form("r"),
    "owner": Form("ow"),
    "lease_until": moment("lu"),
    "attempts": Form("a"),
    "retry_count": Form("rc"),
    "max_retries": Form("mr"),
    "busy_count": Form("bc"),
    "corrupt_count": Form("cc"),
    "lease_losses": Form("ll"),
    "counted": Form("ct"),
    "error_type": Form("et", load=ErrorType),
    "error_message": Form("em"),
    "bytes_downloaded": Form("bd"),
    "duration_ms": Form("du"),
    "partial": Form("pa"),
    "media": MEDIA.form("m"),
    "upload": UPLOAD.form("up"),
    "expanded": Form("x"),
    "total": Form("n"),
    "cursor": Form("cu"),
    "plan_epoch": Form("pe"),
    "open": Form("op"),
    "held": Form("he"),
    "failed": Form("fa"),
    "cancelled": Form("xa"),
    "open_chunks": Form("oc"),
    "bytes_done": Form("bs"),
    "final": TALLY.form("fi"),
    "cascade": CASCADE.form("z"),
    "seq": Form("q"),
    "event": EVENT.form("v"),
}
"""The fields that stand in one attribute, whatever the record."""

_STATE: Final = "st"
_OWNER_OF_ROOT: Final = "u"
_OWNER_OF_CHILD: Final = "o"
_DUE: Final = "dt"
_WAITING: Final = "wk"

_ABSENT: Final = defaults(Download)
"""The value of each field whose attribute is not there; those of a Chunk are among them."""


def name_of(field: str) -> str:
    """The attribute of a set or a number that is changed in place."""
    return _FORMS[field].name


def attributes_of(field: str, value: Any, key: Key) -> dict[str, Attribute | None]:
    """The attributes that hold a field of the record at `key`; None = absent.

    The first one holds the value and is what `given` compares; the others are keys of indexes.
    """
    is_absent = value == _ABSENT.get(field, MISSING)
    form = _FORMS.get(field)
    if form:
        return {form.name: None if is_absent else attribute(form.store(value))}
    is_root = key.part == "D"
    match field:
        case "state":
            status = {"sp": attribute(status_of(value, key.root))} if is_root else {}
            return {_STATE: None if is_absent else attribute(value), **status}
        case "requested_by":
            return {_OWNER_OF_ROOT if is_root else _OWNER_OF_CHILD: attribute(value)}
        case "due_at":
            due = None if is_absent else attribute(milliseconds(value))
            return {_DUE: due, **_index_hash("dp", str(shard_of(key.root)), due, is_root=is_root)}
        case "waiting":
            entry = None if is_absent else attribute(waiting_key(value, key.root))
            return {_WAITING: entry, **_index_hash("wp", WAITING, entry, is_root=is_root)}
        case _:
            raise KeyError(field)


def _index_hash(name: str, value: str, entry: Attribute | None, *, is_root: bool) -> dict[str, Attribute | None]:
    """The hash key of a sparse index: beside the range key, and only for roots."""
    if not is_root:
        return {}
    return {name: attribute(value) if entry else None}


_TOLD_BY_THE_KEY: Final = frozenset({"id", "root", "number"})


def encode(record: Stored) -> Item:
    """The whole item of a download or a set chunk."""
    key = record.key
    item = dict(where(key))
    for each in fields(record):
        if each.name not in _TOLD_BY_THE_KEY:
            found = attributes_of(each.name, getattr(record, each.name), key)
            item |= {name: value for name, value in found.items() if value is not None}
    return item


_LOADERS: Final[Mapping[str, tuple[str, Callable[[Any], Any]]]] = {
    **{form.name: (field, form.load) for field, form in _FORMS.items()},
    _STATE: ("state", State),
    _OWNER_OF_ROOT: ("requested_by", str),
    _OWNER_OF_CHILD: ("requested_by", str),
    _DUE: ("due_at", moment_of),
    _WAITING: ("waiting", waiting_in),
}
"""Field and reader by attribute."""


def decode(item: Item) -> Stored | None:
    """The download or set chunk in an item; None for any other record of the table.

    Attributes of a later version are passed over.
    """
    key = key_in(item)
    if key is None:
        return None
    found: dict[str, Any] = {}
    for name, stored in item.items():
        if name in _LOADERS:
            field, load = _LOADERS[name]
            found[field] = load(value_of(stored))
    if key.part.startswith("S#"):
        return Chunk(root=key.root, number=number_of(key), **found)
    return Download(id=download_id_of(key), **found)


def encode_plan(chunk: PlanChunk) -> Item:
    """One chunk of a stored expansion plan; the key says which."""
    at = where(plan_key(chunk.root, chunk.epoch, chunk.number))
    children = [CHILD_PLAN.store(child) for child in chunk.children]
    return at | {"n": attribute(chunk.total), "ch": attribute(children)}


def decode_plan(item: Item, *, root: str, epoch: int, number: int) -> PlanChunk:
    """The way back; where it lives says the rest."""
    children = tuple(CHILD_PLAN.load(child) for child in value_of(item["ch"]))
    return PlanChunk(root=root, epoch=epoch, number=number, total=value_of(item["n"]), children=children)
