"""Availability: whether bytes are there, or somebody is at them, told at each look.

From rows that are written anyway: the media row, the lock of a content's own download, and the sets of the album whose
child is to fetch it. So it is never late or left over, and a download pays nothing for it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from cratekeeper.domain.catalog import Availability, Image, Track, availability_of
from cratekeeper.domain.ids import Key, chunk_key, chunk_of, key_of, root_of, split
from cratekeeper.domain.models import Chunk, Download, Kind, Media
from cratekeeper.domain.writes import Stored
from cratekeeper.ports import CatalogStore, DownloadStore

READS: Final = 100
"""Records that the store reads at once."""


class Content(NamedTuple):
    """A track or a picture, and the child that was to fetch it when it was ingested last."""

    kind: Kind
    id: str
    fetched_by: str | None = None


class Standing(NamedTuple):
    """What is known of a content; `media` only while it is available."""

    availability: Availability
    media: Media | None = None


Standings = dict[str, Standing]
"""By content id."""


def covers(images: Iterable[Image]) -> list[Content]:
    """The pictures of an album."""
    return [Content(Kind.ALBUM_IMAGE, image.id, image.fetched_by) for image in images]


def portraits(images: Iterable[Image]) -> list[Content]:
    """The pictures of an artist."""
    return [Content(Kind.ARTIST_IMAGE, image.id, image.fetched_by) for image in images]


def audio(tracks: Iterable[Track]) -> list[Content]:
    """The bytes of tracks."""
    return [Content(Kind.TRACK, track.id, track.fetched_by) for track in tracks]


@dataclass(frozen=True, slots=True, kw_only=True)
class Availabilities:
    """Reads media rows for all, and the queue only for what is not there."""

    store: DownloadStore
    catalog: CatalogStore

    def of(self, contents: Iterable[Content]) -> Standings:
        """The standing of each."""
        wanted = list(dict.fromkeys(contents))
        rows = self.catalog.media((each.kind, each.id) for each in wanted)
        stored = {each: row.stored for each, row in rows.items() if row.stored}
        held = self._held([each for each in wanted if each.id not in stored])
        return {
            each.id: Standing(availability_of(rows.get(each.id), is_held=each.id in held), stored.get(each.id))
            for each in wanted
        }

    def _held(self, absent: Sequence[Content]) -> set[str]:
        """Contents that an active download is to fetch: one of their own, or an album's child."""
        if not absent:
            return set()
        holders = self.store.lock_holders((each.kind, each.id) for each in absent)
        locked = {content_id for _, content_id in holders}
        children = {each.id: each.fetched_by for each in absent if each.fetched_by and each.id not in locked}
        found = self._records(children.values())
        return locked | {each for each, child in children.items() if _is_open(child, found)}

    def _records(self, children: Iterable[str]) -> dict[Key, Stored]:
        """The albums of these children, and the chunks of sets that hold them."""
        keys: dict[Key, None] = {}
        for child in children:
            keys |= dict.fromkeys((key_of(root_of(child)), _chunk_of(child)))
        wanted = list(keys)
        found: dict[Key, Stored] = {}
        for start in range(0, len(wanted), READS):
            found |= self.store.get(*wanted[start : start + READS])
        return found


def _chunk_of(child: str) -> Key:
    root, ordinal = split(child)
    return chunk_key(root, chunk_of(ordinal or 1))


def _is_open(child: str, found: dict[Key, Stored]) -> bool:
    """Whether a child has not ended, as the sets of its album say; before they are written it is still to come."""
    root, holder = found.get(key_of(root_of(child))), found.get(_chunk_of(child))
    if not isinstance(root, Download) or root.is_terminal:
        return False
    ordinal = split(child)[1] or 0
    if ordinal > root.cursor:
        return not root.expanded
    return isinstance(holder, Download | Chunk) and ordinal in holder.open
