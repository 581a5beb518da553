"""`/health`, and every route that does not exist."""

from typing import Any

from cratekeeper import __version__, bootstrap
from cratekeeper.api.edge import Answer, Route
from cratekeeper.api.request import Request
from cratekeeper.api.schemas import HealthOut


def health(request: Request) -> Answer:
    """`GET /health`."""
    del request
    is_configured = bool(bootstrap.settings().provider_url)
    return Answer(body=HealthOut(version=__version__, provider="configured" if is_configured else "missing"))


ROUTES = {"GET /health": Route(health, None)}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda's entry."""
    del context
    return bootstrap.edge(ROUTES).answer(event)
