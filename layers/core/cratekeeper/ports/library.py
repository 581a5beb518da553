"""What people browse and play: the catalog's metadata, and the log of plays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cratekeeper.domain.catalog import Artist, Entry, Track
    from cratekeeper.domain.popularity import Chart, Play


class Library(Protocol):
    """The catalog's metadata, read only. Lists are in the order of ids, and may lag by a moment."""

    def artists(self, *, after: str | None, limit: int) -> list[Artist]:
        """At most `limit` artists with ids above `after` (None = from the first on)."""
        ...

    def albums(self, *, after: str | None, limit: int) -> list[Entry]:
        """At most `limit` albums with ids above `after` (None = from the first on)."""
        ...

    def artist(self, artist_id: str) -> Artist | None:
        """One artist; strong."""
        ...

    def album(self, album_id: str) -> Entry | None:
        """One album; strong."""
        ...

    def tracks(self, track_ids: Iterable[str]) -> dict[str, Track]:
        """The tracks that are known, by id; any number, strong."""
        ...


class Plays(Protocol):
    """The log of plays, and the chart made of it."""

    def log(self, play: Play) -> None:
        """Put a play; repeating it changes nothing. It is kept for a little longer than a chart looks back."""
        ...

    def of_day(self, day: str) -> Iterator[str]:
        """The track of each play of a UTC day (ISO date), in no order, page by page."""
        ...

    def publish(self, chart: Chart) -> None:
        """Put the chart in the place of the last one."""
        ...

    def chart(self) -> Chart | None:
        """The last chart."""
        ...
