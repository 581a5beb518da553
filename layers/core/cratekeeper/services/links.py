"""Links to stored bytes, for anybody who may request content."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from cratekeeper.domain.errors import NotFound
from cratekeeper.domain.media import content_disposition
from cratekeeper.domain.models import Kind, Media
from cratekeeper.ports import CatalogStore, Clock, Library, MediaStore


class Link(NamedTuple):
    """Where the bytes can be read by anybody until `expires_at`."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Makes links that end by themselves, under the type that was verified when the bytes were stored.

    Args:
        seconds: life of a link, 1..900.
    """

    library: Library
    catalog: CatalogStore
    media: MediaStore
    clock: Clock
    seconds: int

    def track(self, track_id: str) -> Link:
        """A link to a track's bytes; saved, they get the track's name. Raises NotFound."""
        found = self._stored(track_id, Kind.TRACK)
        track = self.library.tracks([track_id]).get(track_id)
        name = track.name if track else ""
        if track and track.number > 0:
            name = f"{track.number:02d} {name}"
        return self._link(found, content_disposition("attachment", name, fallback=track_id, key=found.key))

    def image(self, image_id: str) -> Link:
        """A link to a picture's bytes. Raises NotFound."""
        found = self._stored(image_id, Kind.ALBUM_IMAGE, Kind.ARTIST_IMAGE)
        return self._link(found, content_disposition("inline", "", fallback=image_id, key=found.key))

    def _stored(self, content_id: str, *kinds: Kind) -> Media:
        """The object, looked at: the catalog learns only by the next scan of one that was taken away."""
        row = self.catalog.media((kind, content_id) for kind in kinds).get(content_id)
        if row is None or row.stored is None or self.media.head(row.stored.key) is None:
            raise NotFound("nothing is stored of it")
        return row.stored

    def _link(self, found: Media, disposition: str) -> Link:
        expires_at = self.clock.now() + timedelta(seconds=self.seconds)
        url = self.media.link(found.key, content_type=found.content_type, disposition=disposition, seconds=self.seconds)
        return Link(url, expires_at)
