"""What people's requests cost: asking for media in all ways, and acting on what was asked for (C9).

Whole routes on the emulator, every call metered, but for looking up the caller. Steady state: the
user has asked for something today, all permits are held and the lane is known to wait for one.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

from cratekeeper import bootstrap
from cratekeeper.bootstrap import adapters
from cratekeeper_local.provider.child import running as provider_running
from cratekeeper_local.provider.ids import content_id
from cratekeeper_local.provider.shelf import AlbumSpec, Shelf
from tests.bench.door import Ask, Door, opened
from tests.bench.paths import Cost
from tests.bench.rig import INVOCATION_S, Rig, deployed
from tests.contract.emulator import Emulator

ARTIST: Final = "Thirty Records"
UNLIMITED: Final[Mapping[str, Any]] = {
    "USER_MAX_REQUESTS_PER_DAY": "-1",
    "USER_MAX_QUEUE_SIZE": "-1",
    "MAX_ALBUMS_PER_HOUR": "-1",
    "MAX_ALBUMS_PER_DAY": "-1",
}
SHELF: Final = Shelf(
    albums=(
        *(AlbumSpec(name=f"Record {number}", artists=(ARTIST,), tracks=1) for number in range(30)),
        *(AlbumSpec(name=f"Steered {number}", artists=("One Artist",), tracks=12) for number in range(8)),
    )
)

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Desk:
    """A deployment and its door."""

    rig: Rig
    door: Door

    def cost(self, name: str, ask: Ask) -> Cost:
        """What one request takes."""
        with self.rig.meter.measuring() as calls:
            self.door.call(ask)
        return Cost.of(name, calls)

    def made(self, kind: str, content: str) -> str:
        """The id of a download asked for."""
        return str(self.door.call(Ask("POST /v1/downloads", body={"kind": kind, "content_id": content}))["id"])

    def expanded(self, number: int) -> str:
        """An album of 14 whose first child has a permit."""
        album = self.made("album", content_id("album", f"Steered {number}"))
        bootstrap.process().run(album, deadline=adapters.clock().now() + timedelta(seconds=INVOCATION_S))
        return album


def costs(emulator: Emulator) -> list[Cost]:
    """Of asking, and of acting."""
    return [*_asking(emulator), *_acting(emulator)]


@contextmanager
def _desk(emulator: Emulator) -> Iterator[Desk]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "library.json")
        file.write_text(SHELF.model_dump_json(), "utf-8")
        with (
            provider_running(library=file) as provider,
            deployed(emulator, provider.url, **UNLIMITED) as rig,
            opened() as door,
        ):
            yield Desk(rig, door)


def _asking(emulator: Emulator) -> list[Cost]:
    with _desk(emulator) as desk:
        for _ in range(20):
            desk.made("track", _some())
        key = {"idempotency-key": "one"}
        keyed, many_keyed = _one("album", headers=key), _many(100, headers={"idempotency-key": "many"})
        discography = Ask("POST /v1/downloads/discography", body={"artist_id": content_id("artist", ARTIST)})
        return [
            desk.cost("POST a track", _one("track")),
            desk.cost("POST an album", _one("album")),
            desk.cost("POST an album with a key", keyed),
            desk.cost("   the same again", keyed),
            desk.cost("POST a batch of 100", _many(100)),
            desk.cost("POST a batch of 100 with a key", many_keyed),
            desk.cost("   the same again", many_keyed),
            desk.cost("POST a discography of 30", discography),
        ]


def _acting(emulator: Emulator) -> Iterator[Cost]:
    with _desk(emulator) as desk:
        warm = desk.expanded(7)
        desk.door.call(Ask(f"POST /v1/downloads/{warm}/cancel"))
        yield desk.cost("C9 cancel an album of 14, running", Ask(f"POST /v1/downloads/{desk.expanded(0)}/cancel"))
        yield from _each(desk, "an album of 14", desk.expanded(1))
        yield from _each(desk, "a track", desk.made("track", _some()))
        many = [desk.made("track", _some()) for _ in range(20)]
        body = {"action": "cancel", "ids": many}
        yield desk.cost("cancel 20 tracks by one batch-action", Ask("POST /v1/downloads/batch-action", body=body))


def _each(desk: Desk, what: str, download_id: str) -> Iterator[Cost]:
    """Every action, one after the other, on the same download."""
    path = f"POST /v1/downloads/{download_id}"
    yield desk.cost(f"pause {what}", Ask(f"{path}/pause"))
    yield desk.cost(f"resume {what}", Ask(f"{path}/resume"))
    yield desk.cost(f"move {what} to another lane", Ask(f"{path}/priority", body={"priority": 3}))
    yield desk.cost(f"cancel {what}", Ask(f"{path}/cancel"))
    yield desk.cost(f"retry {what}", Ask(f"{path}/retry"))
    delete = Ask(f"DELETE /v1/admin/downloads/{download_id}", by="root")
    yield desk.cost(f"delete {what}", delete)


def _some() -> str:
    return content_id("track", f"asked for {next(_numbers)}")


def _wish(kind: str) -> dict[str, Any]:
    return {"kind": kind, "content_id": _some()}


def _one(kind: str, **more: Any) -> Ask:
    return Ask("POST /v1/downloads", body=_wish(kind), **more)


def _many(number: int, **more: Any) -> Ask:
    return Ask("POST /v1/downloads/batch", body={"items": [_wish("album") for _ in range(number)]}, **more)
