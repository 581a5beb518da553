from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cratekeeper.domain.catalog import (
    Availability,
    MediaRow,
    StoredAlbum,
    album_order,
    assigned,
    availability_of,
    is_whole,
    plan,
)
from cratekeeper.domain.models import Kind
from tests.support.builders import a_row, a_track, an_artist, an_image, some_metadata

FEW = settings(max_examples=30)


def a_stored_album(*tracks: str) -> StoredAlbum:
    return StoredAlbum(id="x", name="X", artist_name=None, track_ids=tracks)


@pytest.mark.parametrize(
    ("tracks", "available", "expected"),
    [(("a", "b"), {"a", "b"}, True), (("a", "b"), {"a"}, False), ((), set(), False)],
)
def test_an_album_is_in_the_catalog_when_all_of_its_tracks_are(
    tracks: tuple[str, ...], available: set[str], expected: bool
) -> None:
    assert is_whole(a_stored_album(*tracks), {each: a_row(each) for each in available}) is expected


def test_a_row_whose_bytes_are_gone_makes_no_whole_album() -> None:
    assert not is_whole(a_stored_album("a"), {"a": a_row("a", availability=Availability.MISSING)})


@pytest.mark.case("P-01")
@FEW
@given(st.permutations([a_track(number) for number in range(1, 6)]))
def test_tracks_come_in_the_albums_own_order(shuffled: list[object]) -> None:
    tracks = [a_track(number) for number in range(1, 6)]
    assert [*album_order(some_metadata(*tracks).album, shuffled)] == tracks  # type: ignore[arg-type]


def test_tracks_that_the_album_does_not_list_come_last_by_disc_and_number() -> None:
    listed, second, first, early = a_track(9), a_track(2, disc=2), a_track(1, disc=2), a_track(8, disc=1)
    assert album_order(some_metadata(listed).album, [second, early, first, listed]) == (listed, early, first, second)


def test_a_track_that_comes_twice_is_one_track() -> None:
    album = replace(some_metadata().album, track_ids=(a_track(1).id, a_track(1).id, "gone"))
    assert album_order(album, [a_track(1), a_track(1)]) == (a_track(1),)


@pytest.mark.case("P-01")
def test_children_are_tracks_then_covers_then_portraits() -> None:
    cover, portrait = an_image("cover"), an_image("portrait")
    children = plan(
        some_metadata(a_track(1), a_track(2), covers=(cover,), artists=(an_artist(portraits=(portrait,)),)), {}
    )
    assert [(child.kind, child.content_id) for child in children] == [
        (Kind.TRACK, a_track(1).id),
        (Kind.TRACK, a_track(2).id),
        (Kind.ALBUM_IMAGE, cover.id),
        (Kind.ARTIST_IMAGE, portrait.id),
    ]


def test_children_have_the_names_that_people_know() -> None:
    metadata = some_metadata(
        a_track(1, name="Så\nWhat"),
        covers=(an_image("cover"),),
        artists=(an_artist(portraits=(an_image("portrait"),)),),
    )
    assert [(child.content_name, child.artist_name) for child in plan(metadata, {})] == [
        ("Så What", "An Artist"),
        ("An Album", None),
        ("An Artist", "An Artist"),
    ]


def test_a_track_of_an_artist_who_could_not_be_fetched_has_no_artist_name() -> None:
    assert plan(some_metadata(a_track(1)), {})[0].artist_name is None


@pytest.mark.case("P-12")
def test_a_picture_that_is_named_twice_is_one_child() -> None:
    cover = an_image("cover")
    metadata = some_metadata(covers=(cover, an_image("back"), cover), artists=(an_artist(portraits=(cover,)),))
    children = plan(metadata, {})
    assert [child.content_id for child in children] == [cover.id, an_image("back").id]
    assert {child.kind for child in children} == {Kind.ALBUM_IMAGE}


@FEW
@given(st.lists(st.integers(1, 5)), st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_each_content_is_one_child_whatever_the_provider_repeats(
    tracks: list[int], covers: list[str], portraits: list[str]
) -> None:
    metadata = some_metadata(
        *map(a_track, tracks),
        covers=tuple(map(an_image, covers)),
        artists=(an_artist(portraits=tuple(map(an_image, portraits))),),
    )
    ids = [child.content_id for child in plan(metadata, {})]
    assert len(ids) == len(set(ids)) == len({*tracks}) + len({*covers, *portraits})


@pytest.mark.case("P-17")
@pytest.mark.parametrize("availability", Availability)
def test_a_child_knows_whether_its_bytes_are_stored(availability: Availability) -> None:
    track = a_track(1)
    [child] = plan(some_metadata(track), {track.id: a_row(track.id, availability=availability)})
    assert child.stored is (availability is Availability.AVAILABLE)


def test_everything_of_an_album_knows_the_child_that_is_to_fetch_it() -> None:
    cover, portrait = an_image("cover"), an_image("portrait")
    metadata = some_metadata(a_track(1), a_track(2), covers=(cover, cover), artists=(an_artist(portraits=(portrait,)),))
    found = assigned(metadata, "R", plan(metadata, {}))
    assert [track.fetched_by for track in found.tracks] == ["R-1", "R-2"]
    assert [image.fetched_by for image in found.album.covers] == ["R-3", "R-3"]
    assert [image.fetched_by for image in found.artists[0].portraits] == ["R-4"]
    assert assigned(found, "R", ()) == metadata


@pytest.mark.parametrize(
    ("said", "is_held", "expected"),
    [
        (None, False, Availability.MISSING),
        (None, True, Availability.FETCHING),
        (Availability.AVAILABLE, False, Availability.AVAILABLE),
        (Availability.AVAILABLE, True, Availability.AVAILABLE),
        (Availability.MISSING, False, Availability.MISSING),
        (Availability.MISSING, True, Availability.FETCHING),
        (Availability.UNAVAILABLE, False, Availability.UNAVAILABLE),
        (Availability.UNAVAILABLE, True, Availability.FETCHING),
        (Availability.FETCHING, False, Availability.MISSING),
    ],
)
def test_availability_is_told_from_the_row_and_who_is_at_it(
    said: Availability | None, is_held: bool, expected: Availability
) -> None:
    row = a_row("t", availability=said) if said else None
    assert availability_of(row, is_held=is_held) is expected
    assert (row.stored if row else None) == (row.media if row and said is Availability.AVAILABLE else None)


def test_what_was_never_stored_has_no_object() -> None:
    row = MediaRow(content_id="t", kind=Kind.TRACK, media=None, availability=Availability.UNAVAILABLE)
    assert row.stored is None
