"""What a shell offers when Tab is pressed: downloads from the server, and words known here.

Nothing here may be slow or say anything: whatever goes wrong, nothing is offered.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final

import typer

from cratekeeper_cli import rendering
from cratekeeper_cli.answers import Download, Query, items_of
from cratekeeper_cli.endpoint import Role, find_endpoint
from cratekeeper_cli.tree import host_of, open_api

Offers = list[tuple[str, str]]
Completer = Callable[[typer.Context, str], Offers]

_PATIENCE_S: Final = 1.0
_AT_MOST: Final = 50
PRIORITIES: Final = (("1", "high, editors only"), ("2", "normal"), ("3", "low"))


def downloads(*wanted: Query, path: str = "/v1/downloads", role: Role = Role.USER) -> Completer:
    """Ids of the list at `path`, newest first, one query after the other; those typed before are left out."""

    def complete(context: typer.Context, incomplete: str) -> Offers:
        offers: Offers = []
        with suppress(Exception):
            typed = _typed(context)
            for one in _asked(context, wanted, path=path, role=role):
                if one.id.startswith(incomplete) and one.id not in typed:
                    offers.append((one.id, f"{one.status} {rendering.title(one)}"))
        return offers

    return complete


def words(*known: tuple[str, str]) -> Completer:
    """A fixed list of words with what they mean."""

    def complete(_context: typer.Context, incomplete: str) -> Offers:
        return [(word, meaning) for word, meaning in known if word.startswith(incomplete)]

    return complete


def _asked(context: typer.Context, wanted: Sequence[Query], *, path: str, role: Role) -> Iterator[Download]:
    host = host_of(context)
    with open_api(find_endpoint(host, role), host) as api:
        for query in wanted:
            page = api.glance(path, {**query, "limit": _AT_MOST}, within_s=_PATIENCE_S)
            yield from map(Download.of, items_of(page))


def _typed(context: typer.Context) -> set[object]:
    """Arguments before the one that is being completed."""
    lists = [value for value in context.params.values() if isinstance(value, list | tuple)]
    return {word for words in lists for word in words}
