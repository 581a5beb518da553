import pytest

from cratekeeper.domain.discovery import Subject
from cratekeeper.domain.errors import NotFound, ProviderFailed, ProviderNotConfigured, ProviderTimedOut, TransferFailed
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.limits import UserLimits
from cratekeeper.services.batches import Reason
from tests.memory.samples import content_id
from tests.support.crate import ALICE, BOB, Crate, Knobs


@pytest.mark.case("D-04")
def test_results_say_what_is_stored_and_what_is_queued(crate: Crate) -> None:
    stored, queued = crate.album("song one"), crate.album("song two")
    crate.world.provider.add_album("song three")
    crate.work(stored.id)
    for child in crate.children(stored):
        crate.work(child.id)
    found = crate.discovery.search("song", subjects=[Subject.ALBUM], limit=50)
    shown = {each.found.id: (each.in_catalog, each.in_queue) for each in found}
    assert shown == {
        stored.content_id: (True, False),
        queued.content_id: (False, True),
        content_id("song three"): (False, False),
    }


def test_tracks_are_shown_by_themselves_and_artists_never(crate: Crate) -> None:
    track = crate.track("song")
    crate.world.provider.add_discography("song", "album")
    found = crate.discovery.search("song", subjects=[*Subject], limit=50)
    assert [(each.found.subject, each.in_queue) for each in found] == [(Subject.ARTIST, False), (Subject.TRACK, True)]
    assert found[1].found.id == track.content_id


def test_a_search_reads_three_times_however_much_it_finds(crate: Crate) -> None:
    for number in range(40):
        crate.world.provider.add_album(f"song {number}")
    calls = crate.world.calls.counting()
    assert len(crate.discovery.search("song", subjects=[Subject.ALBUM, Subject.TRACK], limit=50)) == 50
    assert sum(calls.values()) == 4


def test_a_discography_is_enriched_as_well(crate: Crate) -> None:
    artist = crate.world.provider.add_discography("artist", "one", "two")
    crate.request(content_id("one"))
    found, albums = crate.discovery.discography(artist)
    assert (found.found.id, found.in_catalog, found.in_queue) == (artist, False, False)
    assert [(each.found.name, each.in_queue) for each in albums] == [("one", True), ("two", False)]


@pytest.mark.parametrize(
    ("error_type", "expected"),
    [
        (ErrorType.TIMEOUT, ProviderTimedOut),
        (ErrorType.CONNECTION, ProviderFailed),
        (ErrorType.BUSY, ProviderFailed),
        (ErrorType.PARSE, ProviderFailed),
        (ErrorType.NOT_FOUND, ProviderFailed),
    ],
)
def test_a_failed_search_says_how(crate: Crate, error_type: ErrorType, expected: type[Exception]) -> None:
    crate.world.provider.fail("search", "song", error_type)
    with pytest.raises(expected) as failed:
        crate.discovery.search("song", subjects=[Subject.ALBUM], limit=1)
    assert type(failed.value) is expected
    assert isinstance(failed.value.__cause__, TransferFailed)


def test_an_artist_whom_the_provider_does_not_know(crate: Crate) -> None:
    with pytest.raises(NotFound):
        crate.discovery.discography(content_id("nobody"))
    with pytest.raises(NotFound):
        crate.discovery.request(content_id("nobody"), artist_name=None, caller=ALICE)


def test_a_discography_that_fails_says_how(crate: Crate) -> None:
    artist = crate.world.provider.add_discography("artist", "one")
    crate.world.provider.fail("discography", artist, ErrorType.TIMEOUT)
    with pytest.raises(ProviderTimedOut):
        crate.discovery.discography(artist)


def test_without_a_provider_nothing_is_asked() -> None:
    crate = Crate.of(knobs=Knobs(is_configured=False))
    with pytest.raises(ProviderNotConfigured):
        crate.discovery.search("song", subjects=[Subject.ALBUM], limit=1)
    with pytest.raises(ProviderNotConfigured):
        crate.discovery.discography(content_id("artist"))
    with pytest.raises(ProviderNotConfigured):
        crate.discovery.request(content_id("artist"), artist_name=None, caller=ALICE)
    assert not crate.world.provider.asked


@pytest.mark.case("L-13")
def test_a_discography_is_queued_as_far_as_the_limits_go() -> None:
    crate = Crate.of(knobs=Knobs(limits=UserLimits(max_per_day=15, max_queue=200)))
    artist = crate.world.provider.add_discography("artist", *(f"album {number:02}" for number in range(30)))
    for number in (1, 3, 5, 7, 9):
        crate.request(content_id(f"album {number:02}"))
    crate.settle_down()
    for number in (2, 4):
        crate.request(content_id(f"album {number:02}"), caller=BOB)
    requested = crate.discovery.request(artist, artist_name=None, caller=ALICE)
    reasons = [each.outcome.reason for each in requested]
    assert [each.album_id for each in requested] == [content_id(f"album {number:02}") for number in range(30)]
    assert {each: reasons.count(each) for each in reasons} == {
        None: 10,
        Reason.ALREADY_IN_CATALOG: 5,
        Reason.ALREADY_QUEUED: 2,
        Reason.DAILY_LIMIT_REACHED: 13,
    }


@pytest.mark.parametrize(("given", "shown"), [(None, "artist"), ("An Artist", "An Artist")])
def test_a_queued_album_has_its_names(crate: Crate, given: str | None, shown: str) -> None:
    artist = crate.world.provider.add_discography("artist", "one")
    [requested] = crate.discovery.request(artist, artist_name=given, caller=ALICE)
    item = crate.item(requested.outcome.download_id or "")
    assert (item.content_name, item.artist_name, item.requested_by) == ("one", shown, "alice")
