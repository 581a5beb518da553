"""S5: an album through the services, in this process, against a plain loop of httpx.get and put_object.

Both in the same run on the same emulator and provider, interleaved; the least of so many rounds.
Nothing is metered meanwhile. The history, which follows by itself, is left out.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from cratekeeper_local.provider.child import NO_TLS, Provider
from cratekeeper_local.provider.child import running as provider_running
from cratekeeper_local.provider.ids import content_id
from cratekeeper_local.provider.shelf import FIELD_RECORDINGS, AlbumSpec, Shelf
from tests.bench.album import drain_with, warm_up
from tests.bench.rig import deployed
from tests.contract.emulator import Emulator

TRACK_BYTES: Final = 5 * 10**6
LARGE: Final = AlbumSpec(name="Twelve Long Tones", artists=("The Field Recorders",), tracks=12, wav_bytes=TRACK_BYTES)
WARM_UP: Final = AlbumSpec(
    name="Dial Tone", artists=("Sample and Hold",), tracks=("Dial Tone",), seconds=2.0, formats=("flac",)
)
ROUNDS: Final = 3
WORKERS: Final = 3


@dataclass(frozen=True, slots=True)
class Time:
    """Wall and CPU seconds; the CPU is this process's, not the emulator's or the provider's."""

    wall_s: float
    cpu_s: float

    @classmethod
    def least(cls, times: list["Time"]) -> "Time":
        """The least of each."""
        return cls(min(time.wall_s for time in times), min(time.cpu_s for time in times))


@dataclass(frozen=True, slots=True)
class Race:
    """One album by the plain loop, by one worker, and by as many workers as there are permits."""

    name: str
    plain: Time
    one: Time
    several: Time


@contextmanager
def library() -> Iterator[Provider]:
    """A provider of the demo album, one of large files, and one to warm up with."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "library.json")
        file.write_text(Shelf(albums=(FIELD_RECORDINGS, LARGE, WARM_UP)).model_dump_json(), "utf-8")
        with provider_running(library=file) as provider:
            yield provider


def races(emulator: Emulator, provider: Provider, *, rounds: int = ROUNDS) -> list[Race]:
    """The demo album, and 12 × 5 MB."""
    return [
        _race("demo album", emulator, provider, FIELD_RECORDINGS, rounds=rounds),
        _race("12 × 5 MB + 2", emulator, provider, LARGE, rounds=rounds),
    ]


def _race(name: str, emulator: Emulator, provider: Provider, album: AlbumSpec, *, rounds: int) -> Race:
    urls = urls_of(provider, content_id("album", album.name))
    for url in urls:
        provider.client.get(url)  # encoded now, and kept
    found: dict[str, list[Time]] = {"plain": [], "one": [], "several": []}
    for _ in range(rounds):
        found["plain"].append(_plainly(emulator, provider, urls))
        found["one"].append(_by_services(emulator, provider, album, workers=1))
        found["several"].append(_by_services(emulator, provider, album, workers=WORKERS))
    return Race(name, **{way: Time.least(times) for way, times in found.items()})


def urls_of(provider: Provider, album_id: str) -> list[str]:
    """The paths of an album's bytes: tracks, covers, and portraits of its artists."""
    get = provider.client.get
    album: Any = get(f"/album/{album_id}").json()
    tracks: Any = get(f"/album/{album_id}/tracks").json()
    artists: Any = [get(f"/artist/{each}").json() for each in album["artists_ids"]]
    pictures = [*album["covers"], *(each for artist in artists for each in artist["portraits"])]
    return [f"/track/{each['id']}/audio" for each in tracks] + [f"/image/{each['id']}" for each in pictures]


def _plainly(emulator: Emulator, provider: Provider, urls: list[str]) -> Time:
    """What anybody would write first."""
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="plain")

    def loop() -> None:
        with httpx.Client(base_url=provider.url, verify=NO_TLS) as client:
            for url in urls:
                s3.put_object(Bucket="plain", Key=url[1:], Body=client.get(url).content)

    return _timed(loop)


def _by_services(emulator: Emulator, provider: Provider, album: AlbumSpec, *, workers: int) -> Time:
    with deployed(emulator, provider.url, is_metered=False) as rig:
        warm_up(rig)

        def serve() -> None:
            rig.request(content_id("album", album.name))
            drain_with(rig, workers)

        found = _timed(serve)
        keys = emulator.aws.s3.list_objects_v2(Bucket=rig.names["MEDIA_BUCKET"])["KeyCount"]
        assert keys == len(album.track_names) + 3, f"{keys} objects are stored"  # two pictures and the warm-up
        return found


def _timed(work: Callable[[], None]) -> Time:
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    work()
    return Time(time.perf_counter() - wall_s, time.process_time() - cpu_s)
