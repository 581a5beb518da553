"""What people browse, fetch and play. Built like everything in this package."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from cratekeeper.bootstrap import adapters
from cratekeeper.bootstrap.adapters import clock, settings

if TYPE_CHECKING:
    from cratekeeper.services.availability import Availabilities
    from cratekeeper.services.catalog import Catalog
    from cratekeeper.services.links import Links
    from cratekeeper.services.popular import Charts, Listening


@cache
def _availabilities() -> Availabilities:
    from cratekeeper.services.availability import Availabilities

    return Availabilities(store=adapters.store(), catalog=adapters.catalog())


@cache
def catalog() -> Catalog:
    """Artists, albums and tracks."""
    from cratekeeper.services.catalog import Catalog

    return Catalog(library=adapters.library(), availabilities=_availabilities())


@cache
def links() -> Links:
    """Links to stored bytes."""
    from cratekeeper.services.links import Links

    return Links(
        library=adapters.library(),
        catalog=adapters.catalog(),
        media=adapters.media(),
        clock=clock(),
        seconds=settings().media_url_seconds,
    )


@cache
def listening() -> Listening:
    """Plays, and the chart."""
    from cratekeeper.services.popular import Listening

    return Listening(library=adapters.library(), plays=adapters.plays(), availabilities=_availabilities())


@cache
def charts() -> Charts:
    """The work of the job `popular_content`."""
    from cratekeeper.services.popular import Charts

    return Charts(plays=adapters.plays(), clock=clock())
