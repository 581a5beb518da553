"""Search, the catalog and its media; `/health`, the OpenAPI document, and every route that does not exist."""

from typing import Any

from cratekeeper import __version__, bootstrap
from cratekeeper.api import pages
from cratekeeper.api.bodies import CreateDiscography
from cratekeeper.api.edge import Answer, Route
from cratekeeper.api.findings import Search
from cratekeeper.api.library import LogPlay, MostPlayed, Redirected
from cratekeeper.api.parameters import Paged
from cratekeeper.api.request import Request
from cratekeeper.api.schemas import HealthOut
from cratekeeper.api.views import creating, finding
from cratekeeper.api.views import library as shelf
from cratekeeper.bootstrap import library
from cratekeeper.domain.access import Permission


def health(request: Request) -> Answer:
    """`GET /health`."""
    del request
    is_configured = bool(bootstrap.settings().provider_url)
    return Answer(body=HealthOut(version=__version__, provider="configured" if is_configured else "missing"))


def search(request: Request) -> Answer:
    """`GET /v1/search`."""
    return finding.search(request, bootstrap.discovery())


def discography(request: Request) -> Answer:
    """`GET /v1/artists/{artist_id}/discography`."""
    return finding.discography(request, bootstrap.discovery())


def queue_discography(request: Request) -> Answer:
    """`POST /v1/downloads/discography`."""
    return creating.discography(request, bootstrap.discovery(), bootstrap.idempotency())


def artists(request: Request) -> Answer:
    """`GET /v1/catalog/artists`."""
    return shelf.artists(request, library.catalog(), bootstrap.cursors())


def albums(request: Request) -> Answer:
    """`GET /v1/catalog/albums`."""
    return shelf.albums(request, library.catalog(), bootstrap.cursors())


def artist(request: Request) -> Answer:
    """`GET /v1/catalog/artists/{artist_id}`."""
    return shelf.artist(request, library.catalog())


def album(request: Request) -> Answer:
    """`GET /v1/catalog/albums/{album_id}`."""
    return shelf.album(request, library.catalog())


def track(request: Request) -> Answer:
    """`GET /v1/catalog/tracks/{track_id}`."""
    return shelf.track(request, library.catalog())


def popular(request: Request) -> Answer:
    """`GET /v1/catalog/popular`."""
    return shelf.popular(request, library.listening())


def track_media(request: Request) -> Answer:
    """`GET /v1/media/tracks/{track_id}`."""
    return shelf.track_media(request, library.links())


def image_media(request: Request) -> Answer:
    """`GET /v1/media/images/{image_id}`."""
    return shelf.image_media(request, library.links())


def play(request: Request) -> Answer:
    """`POST /v1/plays`."""
    return shelf.play(request, library.listening(), bootstrap.idempotency())


ROUTES = {
    "GET /v1/search": Route(search, Permission.REQUEST_CONTENT, query=Search),
    "GET /v1/artists/{artist_id}/discography": Route(discography, Permission.REQUEST_CONTENT),
    "POST /v1/downloads/discography": Route(queue_discography, Permission.REQUEST_CONTENT, body=CreateDiscography),
    "GET /v1/catalog/artists": Route(artists, Permission.REQUEST_CONTENT, query=Paged),
    "GET /v1/catalog/artists/{artist_id}": Route(artist, Permission.REQUEST_CONTENT),
    "GET /v1/catalog/albums": Route(albums, Permission.REQUEST_CONTENT, query=Paged),
    "GET /v1/catalog/albums/{album_id}": Route(album, Permission.REQUEST_CONTENT),
    "GET /v1/catalog/tracks/{track_id}": Route(track, Permission.REQUEST_CONTENT),
    "GET /v1/catalog/popular": Route(popular, Permission.REQUEST_CONTENT, query=MostPlayed),
    "GET /v1/media/tracks/{track_id}": Route(track_media, Permission.REQUEST_CONTENT, query=Redirected),
    "GET /v1/media/images/{image_id}": Route(image_media, Permission.REQUEST_CONTENT, query=Redirected),
    "POST /v1/plays": Route(play, Permission.REQUEST_CONTENT, body=LogPlay),
    "GET /health": Route(health, None),
    "GET /openapi.json": Route(pages.document, None),
    "GET /docs": Route(pages.page, None),
    "GET /docs/{file}": Route(pages.file, None),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda's entry."""
    del context
    return bootstrap.edge(ROUTES).answer(event)
