"""S7: from the request to the start of the work, on an idle local stack that is started for it.

The server's own clock: `started_at` minus `created_at` of single tracks asked for one after the other,
each when the one before has ended.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cratekeeper_local.provider.child import running as provider_running
from cratekeeper_local.provider.ids import content_id
from cratekeeper_local.provider.shelf import AlbumSpec, Shelf
from tests.support.people import Person, Town
from tests.support.stack import local_stack

ROUNDS: Final = 200
WARM_UP: Final = 5
ALBUM: Final = "Two Hundred Starts"
OPTIONS: Final = ("--set", "UserMaxRequestsPerDay=-1", "--set", "UserMaxQueueSize=-1")


@dataclass(frozen=True, slots=True)
class Latencies:
    """Milliseconds from creation to start, sorted."""

    sorted_ms: tuple[int, ...]

    def percentile(self, share: float) -> int:
        """The least that so large a share stays within."""
        number = -(-len(self.sorted_ms) * share // 1)
        return self.sorted_ms[max(0, int(number) - 1)]


def latencies(*, rounds: int = ROUNDS) -> Latencies:
    """Of so many tracks, after a few that only wake everything up."""
    track = AlbumSpec(name=ALBUM, artists=("The Starters",), tracks=WARM_UP + rounds, wav_bytes=1_000)
    with tempfile.TemporaryDirectory(prefix="cratekeeper-bench-") as folder:
        library = Path(folder, "library.json")
        library.write_text(Shelf(albums=(track,)).model_dump_json(), "utf-8")
        with (
            provider_running(library=library) as provider,
            local_stack(Path(folder), "--provider-url", provider.url, *OPTIONS) as stack,
            Town(stack).person() as person,
        ):
            found = list(_starts(person, WARM_UP + rounds))
    return Latencies(tuple(sorted(found[WARM_UP:])))


def _starts(person: Person, number: int) -> Iterator[int]:
    for each in range(1, number + 1):
        made = person.request(content_id("track", f"{ALBUM}/{each}"), kind="track")
        assert made.status_code == 202, made.text
        ended = person.wait(made.json()["id"])
        assert ended["status"] == "COMPLETED", ended
        yield _milliseconds(ended["started_at"]) - _milliseconds(ended["created_at"])


def _milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
