"""The OpenAPI document and the page that shows it: files beside this module, sent as they are."""

from http import HTTPStatus
from pathlib import Path
from typing import Final

from cratekeeper.api.edge import Answer, Content
from cratekeeper.api.request import Request
from cratekeeper.domain.errors import NotFound

FOLDER: Final = Path(__file__).parent / "page"
DOCUMENT: Final = FOLDER.parent / "openapi.json"
TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
FILES: Final = ("start.js", "swagger-ui.js", "swagger-ui.css", "LICENSE.txt", "NOTICE.txt")
"""What may be asked for below /docs/; a name is looked up here and never in the file system."""

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src "
    "'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing of another host. Styles may be inline, because the page's library writes them so."""

_KEPT: Final = {"Cache-Control": "public, max-age=300"}
_HEADERS: Final = {
    **_KEPT,
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def document(request: Request) -> Answer:
    """The OpenAPI document."""
    del request
    return Answer(body=Content(DOCUMENT.read_bytes(), "application/json"), headers=_KEPT, has_etag=True)


def page(request: Request) -> Answer:
    """The page itself. It names its files below /docs/, since it stands at /docs without a slash."""
    del request
    return _file("index.html")


def file(request: Request) -> Answer:
    """A file of the page. Raises NotFound for any other."""
    if request.path["file"] not in FILES:
        raise NotFound("the page has no such file")
    return _file(request.path["file"])


def _file(name: str) -> Answer:
    plain, packed = FOLDER / name, FOLDER / f"{name}.gz"
    media_type = TYPES[plain.suffix]
    if packed.exists():
        # Every browser unpacks; a copy that is not packed would be four times as large.
        body = Content(packed.read_bytes(), media_type, encoding="gzip")
    else:
        body = Content(plain.read_bytes(), media_type)
    return Answer(body=body, status=HTTPStatus.OK, headers=_HEADERS, has_etag=True)
