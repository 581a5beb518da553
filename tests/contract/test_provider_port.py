"""The port Provider: in memory, and over HTTP against the demo provider."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from cratekeeper.domain.discovery import Subject
from cratekeeper.domain.errors import ProviderNotConfigured, TransferFailed
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.media import Inspector
from cratekeeper.ports import Body, Provider
from cratekeeper_local.provider.child import Provider as Demo
from cratekeeper_local.provider.child import running
from cratekeeper_local.provider.ids import content_id as demo_id
from tests.contract.landing import a_provider
from tests.memory.provider import MemoryProvider
from tests.memory.samples import content_id, image_id

NOBODY = content_id("nobody")


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider, and an album of three tracks and one cover that it has."""

    port: Provider
    album_id: str


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with running(library="tiny") as child:
        yield child


@pytest.fixture(params=["memory", "http"])
def upstream(request: pytest.FixtureRequest) -> Upstream:
    if request.param == "memory":
        memory = MemoryProvider(lambda _: None)
        return Upstream(memory, memory.add_album("Three Sketches", tracks=3, covers=1, portraits=1))
    child: Demo = request.getfixturevalue("demo")
    return Upstream(a_provider(child.url, timeout_s=20), demo_id("album", "Three Sketches"))


def test_an_album_comes_with_its_tracks_in_order(upstream: Upstream) -> None:
    album, tracks = upstream.port.album(upstream.album_id)
    assert (album.id, album.name, len(album.covers)) == (upstream.album_id, "Three Sketches", 1)
    assert album.track_ids == tuple(track.id for track in tracks)
    assert [track.number for track in tracks] == [1, 2, 3]
    assert {track.album_id for track in tracks} == {upstream.album_id}


def test_a_track_by_itself_is_the_albums(upstream: Upstream) -> None:
    _, tracks = upstream.port.album(upstream.album_id)
    assert upstream.port.track(tracks[1].id) == tracks[1]


def test_an_artist_has_portraits(upstream: Upstream) -> None:
    album, _ = upstream.port.album(upstream.album_id)
    artist = upstream.port.artist(album.artist_ids[0])
    assert (artist.id, len(artist.portraits)) == (album.artist_ids[0], 1)


def test_audio_is_what_it_says(upstream: Upstream) -> None:
    with upstream.port.audio(first_track(upstream), deadline_s=20) as body:
        assert (body.offset, body.is_framed) == (0, True)
        assert inspected(body) == body.length


def test_a_picture_is_what_it_says(upstream: Upstream) -> None:
    album, _ = upstream.port.album(upstream.album_id)
    with upstream.port.image(album.covers[0].id, deadline_s=20) as body:
        assert body.content_type.startswith("image/")
        assert inspected(body) == body.length


def test_audio_goes_on_where_it_was_left(upstream: Upstream) -> None:
    track = first_track(upstream)
    with upstream.port.audio(track, deadline_s=20) as body:
        etag, whole = body.etag, b"".join(body.chunks())
    with upstream.port.audio(track, offset=100, etag=etag, deadline_s=20) as rest:
        assert (rest.offset, rest.length, rest.etag) == (100, len(whole), etag)
        assert b"".join(rest.chunks()) == whole[100:]


@pytest.mark.case("F-06")
@pytest.mark.parametrize("etag", [None, '"another"'])
def test_audio_of_another_version_starts_at_its_beginning(upstream: Upstream, etag: str | None) -> None:
    with upstream.port.audio(first_track(upstream), offset=100, etag=etag, deadline_s=20) as body:
        assert body.offset == 0
        assert inspected(body) == body.length


def test_a_search_finds_names_whatever_their_case(upstream: Upstream) -> None:
    found = upstream.port.search("three sketches", subjects=[Subject.ALBUM], limit=50)
    assert [(each.id, each.subject, each.name) for each in found] == [
        (upstream.album_id, Subject.ALBUM, "Three Sketches")
    ]


def test_a_search_is_for_the_subjects_that_are_asked_for(upstream: Upstream) -> None:
    album, _ = upstream.port.album(upstream.album_id)
    name = upstream.port.artist(album.artist_ids[0]).name
    [artist] = upstream.port.search(name, subjects=[Subject.ARTIST], limit=50)
    assert (artist.id, artist.name) == (album.artist_ids[0], name)
    assert artist not in upstream.port.search(name, subjects=[Subject.ALBUM, Subject.TRACK], limit=50)


def test_a_search_gives_no_more_than_asked_for(upstream: Upstream) -> None:
    everything = upstream.port.search("e", subjects=[*Subject], limit=200)
    assert len(everything) > 1
    assert upstream.port.search("e", subjects=[*Subject], limit=1) == everything[:1]


def test_a_search_for_nothing_that_is_there(upstream: Upstream) -> None:
    assert upstream.port.search("?&#%/ 'x\u00e9", subjects=[*Subject], limit=50) == ()


def test_a_discography_is_an_artist_with_albums(upstream: Upstream) -> None:
    album, _ = upstream.port.album(upstream.album_id)
    found = upstream.port.discography(album.artist_ids[0])
    assert (found.artist.id, found.artist.subject) == (album.artist_ids[0], Subject.ARTIST)
    assert upstream.album_id in [each.id for each in found.albums]
    assert {each.subject for each in found.albums} == {Subject.ALBUM}


@pytest.mark.parametrize("wanted", ["album", "track", "artist", "discography", "audio", "image"])
def test_what_the_provider_does_not_have(upstream: Upstream, wanted: str) -> None:
    with pytest.raises(TransferFailed) as failure:
        ask(upstream.port, wanted)
    assert failure.value.error_type is ErrorType.NOT_FOUND


def test_an_aborted_answer_raises_the_reason(upstream: Upstream) -> None:
    reason = InterruptedError("somebody else holds the item")
    with upstream.port.audio(first_track(upstream), deadline_s=20) as body:
        body.abort(reason)
        with pytest.raises(InterruptedError, match="somebody else") as raised:
            list(body.chunks())
    assert raised.value is reason


@pytest.mark.parametrize("url", ["", "http://", "http://:80"])
@pytest.mark.parametrize("wanted", ["album", "track", "artist", "discography", "search", "audio", "image"])
def test_without_a_host_nothing_is_asked(url: str, wanted: str) -> None:
    with pytest.raises(ProviderNotConfigured, match="set ProviderUrl"):
        ask(a_provider(url), wanted)


def first_track(upstream: Upstream) -> str:
    return upstream.port.album(upstream.album_id)[1][0].id


def inspected(body: Body) -> int:
    """Size of the body, which must be the media that it says it is."""
    inspector = Inspector(body.content_type, declared_length=body.length, complete_by_framing=body.is_framed)
    for chunk in body.chunks():
        inspector.feed(chunk)
    return inspector.finish().size_bytes


def ask(provider: Provider, wanted: str) -> None:
    """Ask for something of that kind which nobody has."""
    with ExitStack() as opened:
        match wanted:
            case "audio":
                list(opened.enter_context(provider.audio(NOBODY, deadline_s=20)).chunks())
            case "image":
                list(opened.enter_context(provider.image(image_id("nobody"), deadline_s=20)).chunks())
            case "search":
                provider.search(NOBODY, subjects=[*Subject], limit=1)
            case _:
                getattr(provider, wanted)(NOBODY)
