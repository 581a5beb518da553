"""HttpProvider: the contract of the downloader service over HTTP."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final, TypeVar
from urllib.parse import SplitResult, quote, unquote, urlencode, urljoin, urlsplit

from pydantic import TypeAdapter

from cratekeeper.adapters.provider.answers import (
    ALBUM,
    ARTIST,
    DISCOGRAPHY,
    RESULTS,
    TRACK,
    TRACKS,
    check_id,
    parsed,
    results,
)
from cratekeeper.adapters.provider.body import HttpBody
from cratekeeper.adapters.provider.exchange import PORTS, Answer, get
from cratekeeper.adapters.provider.verdict import check, failures
from cratekeeper.adapters.provider.watch import WINDOW_S, Watch
from cratekeeper.domain.catalog import Album, Artist, Track
from cratekeeper.domain.discovery import Discography, Found, Subject
from cratekeeper.domain.errors import ProviderNotConfigured, TransferFailed
from cratekeeper.domain.failures import ErrorType
from cratekeeper.ports import Body, Clock

JSON_BYTES: Final = 4 * 2**20
"""Largest metadata answer: an album of 5,000 tracks takes about 1.5 MB."""

REDIRECTS: Final = 5
METADATA_DEADLINE_S: Final = 30.0

_MOVED: Final = frozenset({301, 302, 303, 307, 308})

T = TypeVar("T")


class HttpProvider:
    """The downloader service at one origin. Every answer is bounded in time, rate and size.

    Redirects are followed by hand, at most five, and only within the configured origin: it is the
    sole address that provider calls may connect to (I32). Bodies are asked for uncoded, and coded
    ones are refused, for half a megabyte of gzip can hold hundreds.

    Args:
        base_url: of the service, with user and password if it wants them; "" = not configured.
        clock: for a Retry-After that is a date.
        timeout_s: longest metadata answer in seconds.
        window_s: seconds over which a body must keep the minimum rate.
    """

    def __init__(
        self, base_url: str, *, clock: Clock, timeout_s: float = METADATA_DEADLINE_S, window_s: float = WINDOW_S
    ) -> None:
        given = urlsplit(base_url)
        self._base = given._replace(netloc=given.netloc.rpartition("@")[2], path=given.path.rstrip("/"), query="")
        self._standing = {"User-Agent": "cratekeeper", "Accept-Encoding": "identity"} | _authorization(given)
        self._clock = clock
        self._timeout_s = min(timeout_s, METADATA_DEADLINE_S)
        self._window_s = window_s

    def album(self, album_id: str) -> tuple[Album, tuple[Track, ...]]:
        """An album and its tracks."""
        path = f"album/{quote(album_id, safe='')}"
        album = check_id(self._json(path, ALBUM).album(), album_id)
        return album, tuple(each.track() for each in self._json(f"{path}/tracks", TRACKS))

    def track(self, track_id: str) -> Track:
        """One track's metadata."""
        return check_id(self._json(f"track/{quote(track_id, safe='')}", TRACK).track(), track_id)

    def artist(self, artist_id: str) -> Artist:
        """One artist."""
        return check_id(self._json(f"artist/{quote(artist_id, safe='')}", ARTIST).artist(), artist_id)

    def search(self, query: str, *, subjects: Sequence[Subject], limit: int) -> tuple[Found, ...]:
        """Search results."""
        asked = {"q": query, "type": ",".join(subjects), "limit": str(limit)}
        return results(self._json(f"search?{urlencode(asked)}", RESULTS), subjects, limit)

    def discography(self, artist_id: str) -> Discography:
        """An artist's albums."""
        found = self._json(f"artist/{quote(artist_id, safe='')}/discography", DISCOGRAPHY).discography()
        check_id(found.artist, artist_id)
        return found

    @contextmanager
    def audio(self, track_id: str, *, offset: int = 0, etag: str | None = None, deadline_s: float) -> Iterator[Body]:
        """A track's bytes, from `offset` on if the provider's file is still `etag`."""
        path = f"track/{quote(track_id, safe='')}/audio"
        with self._asking(path, deadline_s, offset=offset if etag else 0, etag=etag) as body:
            yield body

    @contextmanager
    def image(self, image_id: str, *, deadline_s: float) -> Iterator[Body]:
        """A picture's bytes."""
        with self._asking(f"image/{quote(image_id, safe='')}", deadline_s) as body:
            yield body

    def _json(self, path: str, shape: TypeAdapter[T]) -> T:
        """A whole metadata answer."""
        body = bytearray()
        with self._asking(path, self._timeout_s) as answer:
            for chunk in answer.chunks():
                body += chunk
                if len(body) > JSON_BYTES:
                    raise TransferFailed(ErrorType.PARSE, f"more than {JSON_BYTES} bytes of metadata")
        return parsed(shape, body)

    @contextmanager
    def _asking(self, path: str, deadline_s: float, *, offset: int = 0, etag: str | None = None) -> Iterator[HttpBody]:
        """A body whose request, for a path and perhaps a query, is sent once it is looked at."""
        if not self._base.hostname:
            raise ProviderNotConfigured("no downloader service is configured: set ProviderUrl")
        path, _, query = path.partition("?")
        url = self._base._replace(path=f"{self._base.path}/{path}", query=query)
        headers = {"Range": f"bytes={offset}-", "If-Range": etag} if offset and etag else {}
        with Watch(deadline_s, window_s=self._window_s) as watch, ExitStack() as connection:
            yield HttpBody(lambda: self._answer(url, headers, watch, connection), watch, asked=offset)

    def _answer(self, url: SplitResult, headers: dict[str, str], watch: Watch, connection: ExitStack) -> Answer:
        """The answer, at the end of its redirects; the stack keeps its connection."""
        with failures(watch, ErrorType.CONNECTION):
            for _ in range(REDIRECTS + 1):
                answer = connection.enter_context(get(url, watch, self._standing | headers))
                if answer.status not in _MOVED or "location" not in answer.headers:
                    check(answer, now=self._clock.now())
                    return answer
                connection.close()
                url = self._redirected(url, answer.headers["location"])
        raise TransferFailed(ErrorType.UNKNOWN, f"more than {REDIRECTS} redirects")

    def _redirected(self, url: SplitResult, location: str) -> SplitResult:
        """Where a redirect leads, if that is the provider's own origin."""
        try:
            target = urlsplit(urljoin(url.geturl(), location))
            is_ours = _origin(target) == _origin(self._base)
        except ValueError as error:
            raise TransferFailed(ErrorType.UNKNOWN, "redirected to no URL") from error
        if not is_ours:
            raise TransferFailed(ErrorType.REJECTED, f"redirected away from the provider, to {target.hostname}")
        return self._base._replace(path=target.path, query=target.query)


def _origin(url: SplitResult) -> tuple[str, str | None, int | None]:
    return url.scheme, url.hostname, url.port or PORTS.get(url.scheme)


def _authorization(url: SplitResult) -> dict[str, str]:
    if url.username is None:
        return {}
    secret = f"{unquote(url.username)}:{unquote(url.password or '')}"
    return {"Authorization": f"Basic {b64encode(secret.encode()).decode()}"}
