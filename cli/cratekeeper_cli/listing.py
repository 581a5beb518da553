"""Reading a list of the API as far as a person wants it."""

from typing import TYPE_CHECKING

from cratekeeper_cli.answers import Json, Query, items_of
from cratekeeper_cli.tree import Run

if TYPE_CHECKING:
    from cratekeeper_cli.client import Api


def read(api: "Api", path: str, params: Query, *, at_most: int | None) -> Json:
    """The list at `path` as one page of at most so many items (None: all there are)."""
    pages = list(api.pages(path, params, at_most=at_most))
    items = [item for page in pages for item in items_of(page)][:at_most]
    return {**pages[0], "items": items, "next_cursor": pages[-1].get("next_cursor")}


def mention_more(run: Run, found: Json) -> None:
    """Say so if the list goes on."""
    if found.get("next_cursor"):
        run.out.note("there are more: raise --limit, or --all")
