"""Browsing the catalog, links to its media, and plays."""

from http import HTTPStatus

from cratekeeper.api.cursors import Cursors
from cratekeeper.api.edge import Answer
from cratekeeper.api.library import (
    AlbumOut,
    ArtistOut,
    LinkOut,
    LogPlay,
    MostPlayed,
    OpenedAlbumOut,
    PlayOut,
    PopularOut,
    Redirected,
    TrackOut,
)
from cratekeeper.api.once import Created, key_of, once
from cratekeeper.api.parameters import Paged
from cratekeeper.api.request import Request
from cratekeeper.api.schemas import PageOut
from cratekeeper.domain.errors import Invalid
from cratekeeper.domain.ids import Seed
from cratekeeper.domain.media import is_content_id, is_image_id
from cratekeeper.services.catalog import Catalog
from cratekeeper.services.idempotency import Idempotency
from cratekeeper.services.links import Link, Links
from cratekeeper.services.popular import Listening


def artists(request: Request, catalog: Catalog, cursors: Cursors) -> Answer:
    """`GET /v1/catalog/artists`."""
    wanted, scope = request.params(Paged), request.scope()
    page = catalog.artists(after=cursors.decode(wanted.cursor, scope=scope), limit=wanted.limit)
    items = [ArtistOut.of(each, page.standings) for each in page.artists]
    return Answer(body=PageOut(items=items, next_cursor=cursors.encode(page.next_after, scope=scope)))


def albums(request: Request, catalog: Catalog, cursors: Cursors) -> Answer:
    """`GET /v1/catalog/albums`."""
    wanted, scope = request.params(Paged), request.scope()
    page = catalog.albums(after=cursors.decode(wanted.cursor, scope=scope), limit=wanted.limit)
    items = [AlbumOut.of(each, page.standings) for each in page.albums]
    return Answer(body=PageOut(items=items, next_cursor=cursors.encode(page.next_after, scope=scope)))


def artist(request: Request, catalog: Catalog) -> Answer:
    """`GET /v1/catalog/artists/{artist_id}`."""
    return Answer(body=ArtistOut.of(*catalog.artist(_content_id(request, "artist_id"))))


def album(request: Request, catalog: Catalog) -> Answer:
    """`GET /v1/catalog/albums/{album_id}`."""
    return Answer(body=OpenedAlbumOut.opened(catalog.album(_content_id(request, "album_id"))))


def track(request: Request, catalog: Catalog) -> Answer:
    """`GET /v1/catalog/tracks/{track_id}`."""
    return Answer(body=TrackOut.of(*catalog.track(_content_id(request, "track_id"))))


def popular(request: Request, listening: Listening) -> Answer:
    """`GET /v1/catalog/popular`."""
    return Answer(body=PopularOut.of(listening.popular(limit=request.params(MostPlayed).limit)))


def track_media(request: Request, links: Links) -> Answer:
    """`GET /v1/media/tracks/{track_id}`."""
    return _linked(request, links.track(_content_id(request, "track_id")))


def image_media(request: Request, links: Links) -> Answer:
    """`GET /v1/media/images/{image_id}`."""
    image_id = request.path["image_id"]
    if not is_image_id(image_id):
        raise Invalid("an image id has 40 lower-case hex digits", ("path.image_id", "not 40 lower-case hex digits"))
    return _linked(request, links.image(image_id))


def play(request: Request, listening: Listening, idempotency: Idempotency) -> Answer:
    """`POST /v1/plays`."""
    wanted, key = request.body(LogPlay), key_of(request)

    def create(seed: Seed) -> Created:
        return Created(PlayOut.of(listening.play(wanted.track_id, seed=seed)))

    return once(request, idempotency, create, key=key)


def _linked(request: Request, link: Link) -> Answer:
    if request.params(Redirected).redirect:
        return Answer(body=None, status=HTTPStatus.FOUND, headers={"Location": link.url})
    return Answer(body=LinkOut.of(link))


def _content_id(request: Request, name: str) -> str:
    found = request.path[name]
    if not is_content_id(found):
        raise Invalid(f"{name} must have 22 base62 digits", (f"path.{name}", "not 22 base62 digits"))
    return found
