"""The catalog: what the library holds, artist by artist, album by album."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from cratekeeper.domain.catalog import Artist, Entry, Track
from cratekeeper.domain.errors import NotFound
from cratekeeper.ports import Library
from cratekeeper.services.availability import Availabilities, Standings, audio, covers, portraits

T = TypeVar("T")


class ArtistPage(NamedTuple):
    """Artists by id, the standings of their pictures, and where the next page begins."""

    artists: list[Artist]
    standings: Standings
    next_after: str | None


class AlbumPage(NamedTuple):
    """Albums by id, the standings of their pictures, and where the next page begins."""

    albums: list[Entry]
    standings: Standings
    next_after: str | None


class Opened(NamedTuple):
    """An album with its tracks in order, and the standings of tracks and pictures."""

    entry: Entry
    tracks: list[Track]
    standings: Standings


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Answers from the table alone: no object is looked at. Ids are validated by the edge."""

    library: Library
    availabilities: Availabilities

    def artists(self, *, after: str | None, limit: int) -> ArtistPage:
        """A page of artists."""
        found, next_after = _cut(self.library.artists(after=after, limit=limit + 1), limit, lambda each: each.id)
        images = [content for each in found for content in portraits(each.portraits)]
        return ArtistPage(found, self.availabilities.of(images), next_after)

    def albums(self, *, after: str | None, limit: int) -> AlbumPage:
        """A page of albums, without their tracks."""
        found, next_after = _cut(self.library.albums(after=after, limit=limit + 1), limit, lambda each: each.album.id)
        images = [content for each in found for content in covers(each.album.covers)]
        return AlbumPage(found, self.availabilities.of(images), next_after)

    def artist(self, artist_id: str) -> tuple[Artist, Standings]:
        """One artist. Raises NotFound."""
        found = self.library.artist(artist_id)
        if found is None:
            raise NotFound("no such artist in the catalog")
        return found, self.availabilities.of(portraits(found.portraits))

    def album(self, album_id: str) -> Opened:
        """One album with its tracks. Raises NotFound."""
        entry = self.library.album(album_id)
        if entry is None:
            raise NotFound("no such album in the catalog")
        known = self.library.tracks(entry.album.track_ids)
        tracks = [known[each] for each in entry.album.track_ids if each in known]
        return Opened(entry, tracks, self.availabilities.of([*audio(tracks), *covers(entry.album.covers)]))

    def track(self, track_id: str) -> tuple[Track, Standings]:
        """One track. Raises NotFound."""
        found = self.library.tracks([track_id]).get(track_id)
        if found is None:
            raise NotFound("no such track in the catalog")
        return found, self.availabilities.of(audio([found]))


def _cut(found: list[T], limit: int, place: Callable[[T], str]) -> tuple[list[T], str | None]:
    """A page of what was asked for with one more, and where the next one begins."""
    page = found[:limit]
    return page, place(page[-1]) if len(found) > limit else None
