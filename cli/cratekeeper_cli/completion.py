"""What a shell offers when Tab is pressed: what the server lists, and words known here.

Nothing here may be slow or say anything: whatever goes wrong, nothing is offered.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Final
from urllib.parse import quote

import typer

from cratekeeper_cli import rendering
from cratekeeper_cli.answers import Download, Fields, Json, Query, items_of
from cratekeeper_cli.endpoint import Role, find_endpoint
from cratekeeper_cli.tree import host_of, open_api

Offers = list[tuple[str, str]]
Completer = Callable[[typer.Context, str], Offers]
Glance = Callable[[str, Query], Json]

_PATIENCE_S: Final = 1.0
_AT_MOST: Final = 50
PRIORITIES: Final = (("1", "high, editors only"), ("2", "normal"), ("3", "low"))


def downloads(*wanted: Query, path: str = "/v1/downloads", role: Role = Role.USER) -> Completer:
    """Ids of the list at `path`, newest first, one query after the other; those typed before are left out."""

    def look(glance: Glance, _context: typer.Context) -> Iterator[tuple[str, str]]:
        for query in wanted:
            for one in map(Download.of, items_of(glance(path, {**query, "limit": _AT_MOST}))):
                yield one.id, f"{one.status} {rendering.title(one)}"

    return _from_server(look, role)


def jobs() -> Completer:
    """Ids of the background jobs."""
    return _from_server(lambda glance, _: _each(glance("/v1/admin/jobs", {}), "id", "name"), Role.ADMIN)


def users() -> Completer:
    """Ids of the first users."""
    return _from_server(
        lambda glance, _: _each(glance("/v1/admin/users", {"limit": _AT_MOST}), "user_id", "role"), Role.ADMIN
    )


def keys_of(argument: str) -> Completer:
    """Ids of the keys of the user who was typed as `argument`."""

    def look(glance: Glance, context: typer.Context) -> Iterator[tuple[str, str]]:
        user = quote(str(context.params[argument]), safe="")
        return _each(glance(f"/v1/admin/users/{user}", {}), "key_id", "created_at", of="keys")

    return _from_server(look, Role.ADMIN)


def _each(page: Json, name: str, meaning: str, *, of: str = "items") -> Iterator[tuple[str, str]]:
    for row in map(Fields, items_of(page, of)):
        yield row.must(name), row.text(meaning) or ""


def words(*known: tuple[str, str]) -> Completer:
    """A fixed list of words with what they mean."""

    def complete(_context: typer.Context, incomplete: str) -> Offers:
        return [(word, meaning) for word, meaning in known if word.startswith(incomplete)]

    return complete


def _from_server(look: Callable[[Glance, typer.Context], Iterator[tuple[str, str]]], role: Role) -> Completer:
    """What `look` finds and begins as was typed."""

    def complete(context: typer.Context, incomplete: str) -> Offers:
        offers: Offers = []
        with suppress(Exception):
            typed, host = _typed(context), host_of(context)
            with open_api(find_endpoint(host, role), host) as api:
                glance = partial(api.glance, within_s=_PATIENCE_S)
                for word, meaning in look(glance, context):
                    if word.startswith(incomplete) and word not in typed:
                        offers.append((word, meaning))
        return offers

    return complete


def _typed(context: typer.Context) -> set[object]:
    """Arguments before the one that is being completed."""
    lists = [value for value in context.params.values() if isinstance(value, list | tuple)]
    return {word for words in lists for word in words}
