"""Health, the document, and the page that shows it."""

from typing import Final

from cratekeeper.api.schemas import HealthOut
from docs.openapi.operation import Operation

OPERATIONS: Final = {
    "GET /health": Operation(
        id="get_health",
        summary="Whether the API answers",
        description="Needs no key. `provider` says whether a downloader service is set, not whether it answers.",
        tag="System",
        answer=HealthOut,
        got={"In order": {"status": "ok", "version": "0.1.0", "provider": "configured"}},
    ),
    "GET /openapi.json": Operation(
        id="get_openapi",
        summary="This document",
        description="OpenAPI 3.1, made from the code.",
        tag="System",
        answer=None,
        has_etag=True,
    ),
    "GET /docs": Operation(
        id="get_docs",
        summary="This document as a page",
        description="Swagger UI. It loads nothing from another host.",
        tag="System",
        answer=None,
        has_etag=True,
        media_types=("text/html",),
    ),
    "GET /docs/{file}": Operation(
        id="get_docs_file",
        summary="A file of that page",
        description="Scripts and styles.",
        tag="System",
        answer=None,
        has_etag=True,
        media_types=("text/javascript", "text/css", "text/plain"),
    ),
}
