"""Links to what is stored, and to nothing else."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from cratekeeper.domain.catalog import Availability
from cratekeeper.domain.errors import NotFound
from cratekeeper.domain.models import Kind
from cratekeeper.services.links import Link
from tests.memory.samples import content_id, image_id
from tests.support.builders import a_row, a_track
from tests.support.crate import Crate
from tests.support.library import COVER, PORTRAIT, TRACKS, shelf_of, stock, store


def told(link: Link) -> dict[str, str]:
    """The key of a link, and what it says of the answer."""
    url = urlsplit(link.url)
    return {"key": url.path[1:], **{name: values[0] for name, values in parse_qs(url.query).items()}}


def test_a_track_is_read_under_its_type_and_saved_under_its_name(crate: Crate) -> None:
    stock(crate.world)
    link = shelf_of(crate.world, seconds=60).links.track(TRACKS[1])
    assert link.expires_at == crate.world.clock.now() + timedelta(seconds=60)
    assert told(link) == {
        "key": f"audio/{TRACKS[1]}.wav",
        "type": "audio/wav",
        "disposition": 'attachment; filename="02 Shelved 2.wav"',
        "seconds": "60",
    }


@pytest.mark.parametrize("image", [COVER, PORTRAIT])
def test_a_picture_is_shown_whoever_it_is_of(crate: Crate, image: str) -> None:
    stock(crate.world)
    found = told(shelf_of(crate.world).links.image(image))
    assert (found["key"], found["type"]) == (f"images/{image}.png", "image/png")
    assert found["disposition"] == f'inline; filename="{image}.png"'


def test_a_track_without_a_number_or_without_metadata_is_saved_all_the_same(crate: Crate) -> None:
    nameless, unnumbered = content_id("nameless"), a_track(0, name="Hidden")
    crate.world.catalog.ingest_track(unnumbered)
    for each in (nameless, unnumbered.id):
        store(crate.world, Kind.TRACK, each)
    links = shelf_of(crate.world).links
    assert told(links.track(nameless))["disposition"] == f'attachment; filename="{nameless}.wav"'
    assert told(links.track(unnumbered.id))["disposition"] == 'attachment; filename="Hidden.wav"'


def test_what_is_not_stored_has_no_link(crate: Crate) -> None:
    taken, lost = content_id("taken away"), content_id("lost")
    media = store(crate.world, Kind.TRACK, taken)
    del crate.world.media.objects[media.key]
    crate.world.catalog.record(a_row(lost, availability=Availability.MISSING))
    crate.world.catalog.give_up(Kind.TRACK, content_id("given up"))
    links = shelf_of(crate.world).links
    for each in (taken, lost, content_id("given up"), content_id("unknown")):
        with pytest.raises(NotFound):
            links.track(each)
    with pytest.raises(NotFound):
        links.image(image_id("unknown"))
