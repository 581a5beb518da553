"""Looking for media at the provider."""

import re
from typing import Final

from cratekeeper.api.edge import Answer
from cratekeeper.api.findings import DiscographyOut, Search, SearchOut
from cratekeeper.api.request import Request
from cratekeeper.domain.errors import Invalid
from cratekeeper.services.discovery import Discovery

_CONTENT_ID: Final = re.compile(r"[0-9A-Za-z]{22}")


def search(request: Request, discovery: Discovery) -> Answer:
    """`GET /v1/search`."""
    wanted = request.params(Search)
    found = discovery.search(wanted.q, subjects=wanted.subjects, limit=wanted.limit)
    return Answer(body=SearchOut.of(found))


def discography(request: Request, discovery: Discovery) -> Answer:
    """`GET /v1/artists/{artist_id}/discography`."""
    artist_id = request.path["artist_id"]
    if not _CONTENT_ID.fullmatch(artist_id):
        raise Invalid("an artist id has 22 base62 digits", ("path.artist_id", "not 22 base62 digits"))
    return Answer(body=DiscographyOut.of(*discovery.discography(artist_id)))
