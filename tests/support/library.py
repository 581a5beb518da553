"""The services of the library on a world in memory, and an album to find there."""

from dataclasses import dataclass

from cratekeeper.domain.catalog import Album, Artist, Image, MediaRow, Metadata, Track
from cratekeeper.domain.models import Kind, Media
from cratekeeper.services.availability import Availabilities
from cratekeeper.services.catalog import Catalog
from cratekeeper.services.links import Links
from cratekeeper.services.popular import Charts, Listening
from tests.memory.samples import content_id, image_id
from tests.memory.world import World


@dataclass(frozen=True, slots=True)
class Shelf:
    """What `bootstrap.library` builds."""

    catalog: Catalog
    links: Links
    listening: Listening
    charts: Charts


def shelf_of(world: World, *, seconds: int = 900) -> Shelf:
    """The services on the ports of a world; links live for `seconds`."""
    availabilities = Availabilities(store=world.store, catalog=world.catalog)
    return Shelf(
        catalog=Catalog(library=world.library, availabilities=availabilities),
        links=Links(
            library=world.library, catalog=world.catalog, media=world.media, clock=world.clock, seconds=seconds
        ),
        listening=Listening(library=world.library, plays=world.plays, availabilities=availabilities),
        charts=Charts(plays=world.plays, clock=world.clock),
    )


ARTIST, ALBUM = content_id("known: artist"), content_id("shelved")
TRACKS = (content_id("shelved 1"), content_id("shelved 2"))
COVER, PORTRAIT = image_id("shelved cover"), image_id("shelved portrait")


def shelved(name: str = "Shelved") -> Metadata:
    """An album of two tracks with a cover, by an artist with a portrait."""
    tracks = tuple(
        Track(id=each, name=f"{name} {number}", album_id=ALBUM, artist_ids=(ARTIST,), number=number, duration_ms=1000)
        for number, each in enumerate(TRACKS, start=1)
    )
    album = Album(
        id=ALBUM,
        name=name,
        artist_ids=(ARTIST,),
        released=185_760_000,
        covers=(Image(id=COVER, width=640, height=640),),
        track_ids=TRACKS,
    )
    artist = Artist(id=ARTIST, name="Known", genres=("jazz",), portraits=(Image(id=PORTRAIT),))
    return Metadata(album=album, tracks=tracks, artists=(artist,))


def store(world: World, kind: Kind, content: str, body: bytes = b"bytes") -> Media:
    """Have an object and its media row there."""
    folder, extension, told = ("audio", "wav", "audio/wav") if kind is Kind.TRACK else ("images", "png", "image/png")
    media = Media(key=f"{folder}/{content}.{extension}", size_bytes=len(body), sha256="5e" * 32, content_type=told)
    world.media.place(media.key, body, told)
    world.catalog.record(MediaRow(content_id=content, kind=kind, media=media))
    return media


def stock(world: World) -> None:
    """Have the album in the catalog, and all of its bytes."""
    world.catalog.ingest(shelved())
    for track in TRACKS:
        store(world, Kind.TRACK, track)
    store(world, Kind.ALBUM_IMAGE, COVER)
    store(world, Kind.ARTIST_IMAGE, PORTRAIT)
