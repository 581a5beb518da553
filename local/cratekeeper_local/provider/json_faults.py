"""Misbehaviour of metadata: JSON that is broken, hostile or not what it should be."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from pydantic import JsonValue

from cratekeeper_local.provider.content import Whole
from cratekeeper_local.provider.messages import Answer
from cratekeeper_local.provider.params import Params

Rows = list[dict[str, JsonValue]]
HUGE_BYTES: Final = 10 * 2**20
NASTY: Final = "../..\\etc\x00\x07\r\nX-Evil: 1\x1b[2J\u202e\ufeff\u2028name"


def bad_json(answer: Answer, _params: Params) -> Answer:
    """The first half of the text."""
    return _with_body(answer, answer.body[: answer.size_bytes // 2])


def missing_field(answer: Answer, params: Params) -> Answer:
    """Without `field` (name)."""

    def drop(row: dict[str, JsonValue]) -> None:
        row.pop(params.field, None)

    return _edited(answer, drop)


def set_field(answer: Answer, params: Params) -> Answer:
    """`field` (name) has `value` (null)."""
    return _edited(answer, lambda row: row.update({params.field: params.value}))


def repeat_field(answer: Answer, params: Params) -> Answer:
    """The list in `field` twice over."""

    def twice(row: dict[str, JsonValue]) -> None:
        listed = row.get(params.field)
        if isinstance(listed, list):
            row[params.field] = listed + listed

    return _edited(answer, twice)


def huge_title(answer: Answer, params: Params) -> Answer:
    """A name of `size_bytes` (10 MiB)."""
    size_bytes = HUGE_BYTES if params.size_bytes is None else params.size_bytes
    return _edited(answer, lambda row: row.update({"name": "n" * size_bytes}))


def control_chars(answer: Answer, _params: Params) -> Answer:
    """A name like a path, with control characters, line ends and bidirectional marks."""
    return _edited(answer, lambda row: row.update({"name": NASTY}))


def duplicate_tracks(answer: Answer, _params: Params) -> Answer:
    """Each track twice: in a list of tracks, or in the discs of an album."""
    value = json.loads(answer.body)
    if isinstance(value, list):
        value = value + value
    else:
        for disc in value.get("discs", []):
            disc["tracks"] = disc["tracks"] + disc["tracks"]
    return _with_body(answer, json.dumps(value).encode())


def deep_json(answer: Answer, params: Params) -> Answer:
    """An extra field with lists in lists, `depth` of them."""
    # As text: the encoder of the standard library recurses and would not survive it.
    nested = b'{"extra": ' + b"[" * params.depth + b"]" * params.depth + b", "
    return _with_body(answer, answer.body.replace(b"{", nested, 1))


def _edited(answer: Answer, change: Callable[[dict[str, JsonValue]], None]) -> Answer:
    value = json.loads(answer.body)
    rows: Rows = value if isinstance(value, list) else [value]
    for row in rows:
        change(row)
    return _with_body(answer, json.dumps(value).encode())


def _with_body(answer: Answer, body: bytes) -> Answer:
    return replace(answer, content=Whole(body), start=0, stop=len(body))
