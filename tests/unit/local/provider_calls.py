"""The demo provider without sockets: a tiny library and requests as values."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from pydantic import JsonValue

from cratekeeper_local.provider.app import App
from cratekeeper_local.provider.faults import Fault
from cratekeeper_local.provider.ids import content_id
from cratekeeper_local.provider.library import Library
from cratekeeper_local.provider.messages import Answer, Request
from cratekeeper_local.provider.params import Params
from cratekeeper_local.provider.press import Press
from cratekeeper_local.provider.shelf import SHELVES, AlbumSpec

# JSON as a test reads it: indexed at will, a wrong shape fails the test.
Json: TypeAlias = Any

ALBUM_ID: Final = content_id("album", "Three Sketches")
TRACK_ID: Final = content_id("track", "Three Sketches/1")
ARTIST_ID: Final = content_id("artist", "Sample and Hold")
AUDIO: Final = f"/track/{TRACK_ID}/audio"

# Encoding takes longer than all else here, and the same file serves every test.
PRESS: Final = Press()


def an_app(*albums: AlbumSpec) -> App:
    return App(Library.of(albums or SHELVES["tiny"]), PRESS)


def ask(
    app: App,
    target: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Answer:
    return asyncio.run(app.answer(Request(method, target, headers or {}, body)))


def ask_json(app: App, target: str) -> Json:
    answer = ask(app, target)
    assert answer.status == 200
    value: Json = json.loads(answer.body)
    return value


def spoil(app: App, match: str, behaviour: str, **params: JsonValue) -> None:
    app.script.add([Fault(match=match, behaviour=behaviour, params=Params.model_validate(params))])
