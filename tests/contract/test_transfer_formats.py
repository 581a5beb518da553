"""What lands under which key: every format of the demo library, and single tracks by themselves."""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

import pytest

from cratekeeper.domain.catalog import MediaRow
from cratekeeper.domain.errors import LeaseLost, TransferFailed
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.models import Kind, Media, Upload
from cratekeeper.services.lease import Lease
from cratekeeper_local.provider.child import Provider, running
from cratekeeper_local.provider.ids import content_id, file_id
from tests.contract.landing import Landing
from tests.support.builders import ROOT

FORMATS = {"mp3": "mpeg", "flac": "flac", "ogg": "ogg", "wav": "wav", "m4a": "mp4", "aac": "aac"}
TRACKS = {extension: content_id("track", f"Field Recordings/{n}") for n, extension in enumerate(FORMATS, 1)}
TRACK = TRACKS["mp3"]
PICTURE = file_id("cover 0 of Field Recordings")


@pytest.fixture(scope="module")
def demo() -> Iterator[Provider]:
    with running() as child:
        yield child


@pytest.fixture
def provider(demo: Provider) -> Provider:
    demo.reset()
    return demo


@pytest.fixture
def landing(provider: Provider) -> Landing:
    return Landing(url=provider.url, timeout_s=20)


def by_itself(landing: Landing, track: str) -> Lease:
    """The claim of a track that was asked for alone."""
    lease = landing.lease(track)
    root = replace(lease.item, id=ROOT)
    landing.put(root)
    return replace(lease, item=root)


@pytest.mark.case("F-03", "F-04")
@pytest.mark.parametrize("extension", FORMATS)
def test_each_format_has_its_extension(landing: Landing, provider: Provider, extension: str) -> None:
    track = TRACKS[extension]
    media = landing.land(track)
    assert isinstance(media, Media)
    assert (media.key, media.content_type) == (f"audio/{track}.{extension}", f"audio/{FORMATS[extension]}")
    assert sha256(provider.client.get(f"/track/{track}/audio").content).hexdigest() == media.sha256
    landing.stored(media)


@pytest.mark.case("F-03")
def test_a_picture_is_a_jpeg(landing: Landing) -> None:
    media = landing.land(PICTURE, Kind.ARTIST_IMAGE)
    assert isinstance(media, Media)
    assert media.key == f"images/{PICTURE}.jpg"
    landing.stored(media)


@pytest.mark.case("F-03")
@pytest.mark.parametrize("declared", ["audio/opus", "audio/x-ms-wma", "application/octet-stream", "text/html"])
def test_a_type_that_is_not_listed_is_corrupt(landing: Landing, provider: Provider, declared: str) -> None:
    provider.fault(f"/track/{TRACK}/audio", "wrong_type", type=declared)
    with pytest.raises(TransferFailed) as failure:
        landing.land(TRACK)
    assert failure.value.error_type is ErrorType.CORRUPT


def test_a_track_by_itself_gets_its_row_and_its_name(landing: Landing) -> None:
    assert isinstance(landing.carry(by_itself(landing, TRACK)), Media)
    assert landing.world.catalog.tracks[TRACK].name == "Morning Kettle"
    assert landing.world.item(ROOT).content_name == "Morning Kettle"


def test_a_track_that_nobody_knows_stores_nothing(landing: Landing, provider: Provider) -> None:
    provider.fault(f"/track/{TRACK}", "status", code=404)
    with pytest.raises(TransferFailed) as failure:
        landing.carry(by_itself(landing, TRACK))
    assert failure.value.error_type is ErrorType.NOT_FOUND
    assert landing.world.catalog.tracks == {}


@pytest.mark.parametrize("is_forced", [False, True])
def test_a_track_that_is_stored_is_not_asked_for(landing: Landing, provider: Provider, *, is_forced: bool) -> None:
    media = landing.land(TRACK)
    assert isinstance(media, Media)
    landing.world.catalog.record(MediaRow(content_id=TRACK, kind=Kind.TRACK, media=media))
    provider.reset()
    lease = by_itself(landing, TRACK)
    lease.item = replace(lease.item, force=is_forced)
    assert landing.carry(lease) == media
    assert provider.stats().audio_requests.get(TRACK, 0) == is_forced


def test_what_the_catalog_has_but_the_bucket_has_not_is_fetched(landing: Landing, provider: Provider) -> None:
    media = landing.land(TRACK)
    assert isinstance(media, Media)
    landing.world.catalog.record(MediaRow(content_id=TRACK, kind=Kind.TRACK, media=media))
    found = landing.media.head(media.key)
    assert found
    landing.media.discard(media.key, etag=found.etag)
    provider.reset()
    assert landing.carry(by_itself(landing, TRACK)) == media
    assert provider.stats().audio_requests == {TRACK: 1}


def test_a_worker_that_lost_its_item_writes_nothing(landing: Landing) -> None:
    landing.part_bytes, landing.timeout_s = 2**10, 1.0
    lease = by_itself(landing, TRACK)
    landing.put(replace(lease.item, epoch=lease.item.epoch + 1))
    with pytest.raises(LeaseLost):
        landing.carry(lease)
    assert landing.world.item(ROOT).content_name is None


def test_an_upload_that_cannot_be_noted_is_not_gone_on_with(landing: Landing, provider: Provider) -> None:
    provider.fault(f"/track/{TRACK}/audio", "chunked")
    landing.part_bytes = 2**10
    lease = landing.lease(TRACK)
    landing.put(replace(lease.item, epoch=lease.item.epoch + 1, upload=Upload(key="k", upload_id="theirs")))
    with pytest.raises(LeaseLost):
        landing.carry(lease)
    assert landing.item.upload == Upload(key="k", upload_id="theirs")


def test_time_that_has_run_out_leaves_a_second(landing: Landing) -> None:
    media = landing.land(TRACK, seconds=-20)
    assert isinstance(media, Media)
