"""Discovery: what the provider has, and which of it is stored or asked for already."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from cratekeeper.domain.access import Caller
from cratekeeper.domain.discovery import Found, Subject
from cratekeeper.domain.errors import NotFound, ProviderFailed, ProviderNotConfigured, ProviderTimedOut, TransferFailed
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.ids import Seed
from cratekeeper.domain.models import Kind
from cratekeeper.ports import Provider
from cratekeeper.services.batches import Batches, Outcome
from cratekeeper.services.presence import Presence
from cratekeeper.services.requests import NewDownload

_KINDS: Final = MappingProxyType({Subject.ALBUM: Kind.ALBUM, Subject.TRACK: Kind.TRACK})
"""What can be asked for; an artist is neither stored nor queued by itself."""


class Sighting(NamedTuple):
    """A result, whether it is in the catalog, and whether an active download was asked for it."""

    found: Found
    in_catalog: bool
    in_queue: bool


class Requested(NamedTuple):
    """An album of a discography, and what became of the request for it."""

    album_id: str
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """Asks the provider; every question raises ProviderNotConfigured, ProviderFailed or ProviderTimedOut.

    Args:
        is_configured: whether a downloader service is set.
    """

    provider: Provider
    presence: Presence
    batches: Batches
    is_configured: bool

    def search(self, query: str, *, subjects: Sequence[Subject], limit: int) -> list[Sighting]:
        """At most `limit` results in the provider's order."""
        with self._asking():
            found = self.provider.search(query, subjects=subjects, limit=limit)
        return self._sightings(found)

    def discography(self, artist_id: str) -> tuple[Sighting, list[Sighting]]:
        """An artist and their albums. Raises NotFound."""
        with self._asking(unknown="the provider knows no such artist"):
            found = self.provider.discography(artist_id)
        artist, *albums = self._sightings([found.artist, *found.albums])
        return artist, albums

    def admit(self) -> None:
        """Raise ProviderNotConfigured if nothing can be asked."""
        if not self.is_configured:
            raise ProviderNotConfigured("no downloader service is configured: set ProviderUrl")

    def request(
        self, artist_id: str, *, artist_name: str | None, caller: Caller, seed: Seed | None = None
    ) -> list[Requested]:
        """Queue the albums of an artist, as many as the limits allow. Raises NotFound, and what `Batches` raises."""
        with self._asking(unknown="the provider knows no such artist"):
            found = self.provider.discography(artist_id)
        wanted = [
            NewDownload(
                kind=Kind.ALBUM,
                content_id=album.id,
                content_name=album.name,
                artist_name=artist_name or album.artist_name or found.artist.name,
            )
            for album in found.albums
        ]
        outcomes = self.batches.create(wanted, caller=caller, seed=seed)
        return [Requested(*each) for each in zip((each.content_id for each in wanted), outcomes, strict=True)]

    def _sightings(self, found: Sequence[Found]) -> list[Sighting]:
        refs = {(each.subject, each.id): (_KINDS[each.subject], each.id) for each in found if each.subject in _KINDS}
        standings = self.presence.of(refs.values())
        sightings = []
        for each in found:
            ref = refs.get((each.subject, each.id))
            standing = standings[ref] if ref else None
            is_stored, is_held = (standing.in_catalog, standing.holder is not None) if standing else (False, False)
            sightings.append(Sighting(each, is_stored, is_held))
        return sightings

    @contextmanager
    def _asking(self, *, unknown: str | None = None) -> Iterator[None]:
        """Failures of the provider as errors of ours; `unknown` says what its 404 means."""
        self.admit()
        try:
            yield
        except TransferFailed as error:
            if unknown and error.error_type is ErrorType.NOT_FOUND:
                raise NotFound(unknown) from error
            if error.error_type is ErrorType.TIMEOUT:
                raise ProviderTimedOut("the downloader service did not answer in time") from error
            raise ProviderFailed(f"the downloader service failed ({error.error_type.value})") from error
