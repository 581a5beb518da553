"""Search and discographies: their parameters and answers."""

from collections.abc import Iterable
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field

from cratekeeper.api.parameters import DEFAULT_LIMIT, Query, Whole
from cratekeeper.api.schemas import Out
from cratekeeper.domain.discovery import MOST_RESULTS, Subject
from cratekeeper.services.discovery import Sighting

MOST_CHARACTERS: Final = 500
_SUBJECT: Final = "(album|artist|track)"
_WORDS: Final = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
"""Something to be seen, and no control character."""


class Search(Query):
    """Query of `GET /v1/search`."""

    q: Annotated[
        str,
        Field(max_length=MOST_CHARACTERS, pattern=_WORDS, description="Words of a name"),
        AfterValidator(str.strip),
    ]
    type: Annotated[
        str,
        Field(pattern=f"^{_SUBJECT}(,{_SUBJECT})*$", description="What to search for: one, or several by comma"),
    ] = ",".join(Subject)
    limit: Annotated[Whole, Field(ge=1, le=MOST_RESULTS, description="Most results")] = DEFAULT_LIMIT

    @property
    def subjects(self) -> list[Subject]:
        """What to search for, each once."""
        return [Subject(each) for each in dict.fromkeys(self.type.split(","))]


class ResultOut(Out):
    """An album, artist or track of the provider.

    `in_catalog`: every track of it is available; `in_queue`: an active download was asked for it. Of an artist both
    are false.
    """

    id: str
    type: Subject
    name: str
    artist_name: str | None
    image_url: str | None
    year: int | None
    in_catalog: bool
    in_queue: bool

    @classmethod
    def of(cls, sighting: Sighting) -> Self:
        """The answer for the service's value."""
        found = sighting.found
        return cls(
            id=found.id,
            type=found.subject,
            name=found.name,
            artist_name=found.artist_name,
            image_url=found.image_url,
            year=found.year,
            in_catalog=sighting.in_catalog,
            in_queue=sighting.in_queue,
        )


class SearchOut(Out):
    """Answer of `GET /v1/search`: all results stand on one page, the best first."""

    items: list[ResultOut]
    next_cursor: None = None

    @classmethod
    def of(cls, found: Iterable[Sighting]) -> Self:
        """The answer for the service's values."""
        return cls(items=[ResultOut.of(each) for each in found])


class DiscographyOut(Out):
    """Answer of `GET /v1/artists/{artist_id}/discography`, albums in the provider's order."""

    artist: ResultOut
    albums: list[ResultOut]

    @classmethod
    def of(cls, artist: Sighting, albums: Iterable[Sighting]) -> Self:
        """The answer for the service's values."""
        return cls(artist=ResultOut.of(artist), albums=[ResultOut.of(each) for each in albums])
