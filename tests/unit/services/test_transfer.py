"""The bytes of a track or picture: from the provider to the bucket, verified, never overwritten."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import pytest

from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.models import Download, Kind
from cratekeeper.domain.states import State
from tests.memory import samples
from tests.support.builders import ROOT, a_download, a_media, a_row
from tests.support.crash import meanwhile
from tests.support.crate import Crate

TRACK = samples.content_id("track")
KEY = f"audio/{TRACK}.wav"
WHOLE = samples.wav("track")
OTHER = samples.wav("track", 300)


@pytest.fixture
def item(crate: Crate) -> Download:
    """A single track that waits for its worker."""
    return crate.track()


def ended(crate: Crate, item: Download) -> Download:
    crate.work(item.id)
    return crate.item(item)


def asked(crate: Crate) -> int:
    return crate.world.provider.asked["audio", TRACK]


def stored(crate: Crate) -> dict[str, bytes]:
    return {key: each.body for key, each in crate.world.media.objects.items()}


@pytest.mark.case("F-04")
def test_a_valid_file_is_stored_with_its_checksum(crate: Crate, item: Download) -> None:
    done = ended(crate, item)
    assert stored(crate) == {KEY: WHOLE}
    assert done.media is not None
    assert (done.media.key, done.media.size_bytes, done.media.content_type) == (KEY, len(WHOLE), "audio/wav")
    assert done.media.sha256 == sha256(WHOLE).hexdigest()


@pytest.mark.case("F-04")
@pytest.mark.parametrize("is_declared", [True, False])
@pytest.mark.parametrize(
    "body", [b"", b"garbage", WHOLE[:-1], WHOLE[:20], b"<!doctype html><html></html>", b'{"error": "NOT_FOUND"}']
)
def test_anything_else_is_corrupt_and_nothing_is_stored(
    crate: Crate, item: Download, body: bytes, is_declared: bool
) -> None:
    source = crate.world.provider.sources[TRACK]
    source.body, source.is_declared = body, is_declared
    failed = ended(crate, item)
    assert (failed.state, failed.error_type) == (State.RETRY_WAITING, ErrorType.CORRUPT)
    assert (stored(crate), crate.world.media.open_uploads) == ({}, {})


@pytest.mark.parametrize("content_type", ["text/html", "application/json", "audio/x-unknown", "image/png", ""])
def test_a_type_that_may_not_be_stored_is_corrupt(crate: Crate, item: Download, content_type: str) -> None:
    crate.world.provider.sources[TRACK].content_type = content_type
    assert ended(crate, item).error_type is ErrorType.CORRUPT
    assert stored(crate) == {}


def test_corrupt_bytes_are_asked_for_twice_more_and_then_given_up(crate: Crate, item: Download) -> None:
    crate.world.provider.sources[TRACK].body = b"garbage"
    crate.settle_down()
    assert (crate.item(item).state, crate.item(item).error_type) == (State.FAILED, ErrorType.CORRUPT)
    assert asked(crate) == 3


def test_a_body_that_breaks_off_is_asked_for_again(crate: Crate, item: Download) -> None:
    source = crate.world.provider.sources[TRACK]
    source.pieces, source.breaks_once_after = 4, 2
    assert ended(crate, item).error_type is ErrorType.CONNECTION
    assert stored(crate) == {}
    crate.settle_down()
    assert stored(crate) == {KEY: WHOLE}


@pytest.mark.parametrize("pieces", [1, 3])
def test_a_body_of_unknown_length_is_stored_too(crate: Crate, item: Download, pieces: int) -> None:
    source = crate.world.provider.sources[TRACK]
    source.is_declared, source.pieces = False, pieces
    ended(crate, item)
    assert stored(crate) == {KEY: WHOLE}
    assert crate.world.media.begun == 0


@pytest.mark.parametrize("kind", [Kind.ALBUM_IMAGE, Kind.ARTIST_IMAGE])
def test_a_picture_is_stored_under_its_own_key(crate: Crate, kind: Kind) -> None:
    image = crate.world.provider.add_image("cover")
    crate.put(a_download(kind=kind, content_id=image.id))
    assert ended(crate, a_download()).state is State.COMPLETED
    assert [*stored(crate)] == [f"images/{image.id}.png"]


def test_a_track_that_was_asked_for_by_itself_gets_its_catalog_row(crate: Crate, item: Download) -> None:
    ended(crate, item)
    assert crate.world.catalog.tracks[TRACK].name == "track"


# What is stored already


@pytest.mark.case("P-17")
def test_a_track_that_is_whole_already_is_not_asked_for(crate: Crate, item: Download) -> None:
    crate.world.media.place(KEY, WHOLE, "audio/wav")
    row = a_row(TRACK, media=a_media(len(WHOLE), key=KEY))
    crate.world.catalog.record(row)
    assert ended(crate, item).media == row.media
    assert asked(crate) == 0


@pytest.mark.parametrize("present", [None, WHOLE[:-1]])
def test_a_track_that_the_catalog_has_but_the_bucket_has_not_is_fetched(
    crate: Crate, item: Download, present: bytes | None
) -> None:
    if present:
        crate.world.media.place(KEY, present, "audio/wav")
    crate.world.catalog.record(a_row(TRACK, media=a_media(len(WHOLE), key=KEY)))
    assert ended(crate, item).state is State.COMPLETED
    assert stored(crate) == {KEY: WHOLE}


def test_force_fetches_what_is_whole_and_never_overwrites_it(crate: Crate) -> None:
    crate.world.media.place(KEY, WHOLE, "audio/wav")
    crate.world.catalog.record(a_row(TRACK, media=a_media(len(WHOLE), key=KEY)))
    assert ended(crate, crate.track(force=True)).state is State.COMPLETED
    assert asked(crate) == 1
    assert crate.world.media.overwritten == []


@pytest.mark.parametrize("is_in_catalog", [True, False])
def test_who_comes_second_verifies_and_adopts(crate: Crate, item: Download, is_in_catalog: bool) -> None:
    """I15."""
    media = a_media(len(OTHER), key=KEY)

    def others() -> None:
        crate.world.media.place(KEY, OTHER, "audio/wav")
        if is_in_catalog:
            crate.world.catalog.record(a_row(TRACK, media=media))

    meanwhile(crate.world.calls, "media.put", others)
    done = ended(crate, item)
    assert done.state is State.COMPLETED
    assert done.media == (media if is_in_catalog else replace(media, sha256=sha256(OTHER).hexdigest()))
    assert (stored(crate), crate.world.media.overwritten) == ({KEY: OTHER}, [])


@pytest.mark.parametrize("broken", [b"garbage", WHOLE[:-4], b""])
def test_a_broken_object_is_replaced_by_what_the_provider_has(crate: Crate, item: Download, broken: bytes) -> None:
    crate.world.media.place(KEY, broken, "audio/wav")
    assert ended(crate, item).state is State.COMPLETED
    assert (stored(crate), crate.world.media.overwritten) == ({KEY: WHOLE}, [KEY])


def test_a_broken_object_whose_replacement_is_not_heard_of_is_replaced_once(crate: Crate, item: Download) -> None:
    crate.world.media.place(KEY, b"garbage", "audio/wav")
    crate.world.calls.around = lambda site, call: (call(), call())[1] if site == "media.put" else call()
    assert ended(crate, item).state is State.COMPLETED
    assert crate.world.media.overwritten == [KEY]


def test_a_put_whose_answer_was_lost_is_recognised(crate: Crate, item: Download) -> None:
    crate.world.calls.losing("media.put")
    done = ended(crate, item)
    assert (done.state, done.attempts) == (State.COMPLETED, 1)
    assert crate.world.media.overwritten == []


@pytest.mark.parametrize("site", ["media.head", "media.read"])
def test_an_object_that_vanishes_before_it_is_looked_at_is_fetched(crate: Crate, item: Download, site: str) -> None:
    crate.world.media.place(KEY, b"garbage", "audio/wav")
    meanwhile(crate.world.calls, site, crate.world.media.objects.clear)
    assert ended(crate, item).state is State.COMPLETED
    assert stored(crate) == {KEY: WHOLE}


def test_a_worker_that_lost_its_lease_stops_while_it_reads_an_object_back(crate: Crate, item: Download) -> None:
    crate.world.media.place(KEY, OTHER, "audio/wav")

    def stolen() -> None:
        crate.put(replace(crate.item(item), epoch=9))
        crate.world.clock.advance(60)

    meanwhile(crate.world.calls, "media.read", stolen)
    assert ended(crate, item).epoch == 9
    assert "lease_lost" in crate.world.log.actions()


def test_the_deadline_of_an_answer_is_what_is_left_of_the_invocation(crate: Crate) -> None:
    crate.put(a_download(content_id=crate.world.provider.add_track("track").id))
    crate.process.run(ROOT, deadline=crate.world.clock.now())
    assert crate.item(ROOT).is_terminal


def test_an_object_that_others_keep_breaking_costs_a_retry(crate: Crate, item: Download) -> None:
    crate.world.media.place(KEY, b"garbage", "audio/wav")

    puts = []

    def breaking(site: str, call: Callable[[], object]) -> object:
        if site == "media.put":
            puts.append(site)
            crate.world.media.place(KEY, b"garbage" * len(puts), "audio/wav")
        return call()

    crate.world.calls.around = breaking
    failed = ended(crate, item)
    assert (failed.state, failed.error_type) == (State.RETRY_WAITING, ErrorType.STORAGE)
    assert crate.world.media.overwritten == []
