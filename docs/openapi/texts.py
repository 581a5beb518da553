"""What is said once for all operations."""

from typing import Any, Final

from cratekeeper.api.pages import FILES
from cratekeeper.api.people import USER_ID

DESCRIPTION: Final = """\
People ask for albums, discographies and tracks; Cratekeeper queues the work, fetches the bytes from a downloader
service, stores them, keeps the catalog, and repairs what goes missing.

**Callers** send `Authorization: Bearer <API key>`. Roles: `user` holds the permission `request_content`, `viewer` holds
`view_analytics`, `admin` holds both, `edit_catalog` and `server_admin`, and is free of the per-user limits.
A download of somebody else answers as one that does not exist. Below `/v1` a caller without a valid key gets 401
whatever the path is; then an unknown path is 404 `unknown_route`, another method 405 `method_not_allowed` with `Allow`.

**Errors** are problem documents (RFC 9457) with a stable `code`. Checks are made in the order 401, 403, 413 and 400,
503, a replay by Idempotency-Key, 404, 409, 429. A status of the gateway itself, such as 429 above its rate, has no
`code`.

**Lists** answer `{items, next_cursor}`. Filters apply before the page is cut; send `next_cursor` as `cursor` with the
same filters for the next page, until it is null. Unknown parameters are refused.

**Times** are ISO 8601 in UTC with milliseconds and `Z`. *Unlimited* is -1.

Every GET answers HEAD, and every path OPTIONS."""

TAGS: Final = {
    "Search": "Finding what can be asked for",
    "Downloads": "Asking for media, and what became of it",
    "Steering": "Cancel, pause, resume, retry, priority",
    "Catalog": "What the library holds, and its bytes",
    "Queue": "Limits and the state of the queue",
    "Administration": "What operators see and do",
    "System": "Health and this document",
}

HEADERS: Final[dict[str, Any]] = {
    "X-Request-ID": {
        "description": "The one that was sent, or a new one; it is in every line of the logs",
        "required": True,
        "schema": {"type": "string", "pattern": r"^[\x21-\x7e]{1,128}$"},
    },
    "ETag": {
        "description": "Of the whole representation",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9a-f]{32}"$'},
    },
    "Location": {
        "description": "The path of what was made",
        "required": True,
        "schema": {"type": "string", "pattern": "^/v1/"},
    },
    "Link": {
        "description": "A link that ends by itself; it is followed without a key",
        "required": True,
        "schema": {"type": "string", "pattern": "^https?://"},
    },
    "Retry-After": {
        "description": "Seconds after which another try makes sense; always with 429",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "The scheme that is asked for",
        "required": True,
        "schema": {"type": "string", "pattern": "^Bearer"},
    },
}

PARAMETERS: Final[dict[str, Any]] = {
    "X-Request-ID": {
        "name": "X-Request-ID",
        "in": "header",
        "description": "An id of your own, echoed in the answer: 1 to 128 printable ASCII characters, else one is made",
        "schema": {"type": "string"},
    },
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Makes a repetition safe: within 24 h the same key, path and body give the first answer again; "
        "another body is 422 `idempotency_key_reused`",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    },
    "If-None-Match": {
        "name": "If-None-Match",
        "in": "header",
        "description": "An ETag from before: 304 if nothing has changed",
        "schema": {"type": "string"},
    },
}

PATH_PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "id": {
        "description": "A download's id; a child's is its parent's and an ordinal",
        "schema": {"type": "string", "pattern": r"^[0-7][0-9A-HJKMNP-TV-Z]{25}(-[1-9][0-9]{0,4})?$"},
        "examples": {
            "album": {"summary": "A top-level download", "value": "01KAJX8M4T6W9ZC2R5N7Q3B1VD"},
            "child": {"summary": "The third child of it", "value": "01KAJX8M4T6W9ZC2R5N7Q3B1VD-3"},
        },
    },
    "download_id": {
        "description": "A download's id, also of one that is deleted",
        "schema": {"type": "string", "pattern": r"^[0-7][0-9A-HJKMNP-TV-Z]{25}(-[1-9][0-9]{0,4})?$"},
        "example": "01KAJX8M4T6W9ZC2R5N7Q3B1VD",
    },
    "job_id": {
        "description": "A background job's id",
        "schema": {"type": "string", "pattern": "^[a-z_]+$"},
        "example": "integrity_watchdog",
    },
    "key_id": {
        "description": "A key, by the id that is shown in lists",
        "schema": {"type": "string", "minLength": 1},
        "example": "01K91J5M3W8Q2T7R4N6Z9B0VCD",
    },
    "artist_id": {
        "description": "The provider's id of an artist",
        "schema": {"type": "string", "pattern": "^[0-9A-Za-z]{22}$"},
        "example": "0OdUWJ0sBjDrqHygGUXeCF",
    },
    "album_id": {
        "description": "An album's id",
        "schema": {"type": "string", "pattern": "^[0-9A-Za-z]{22}$"},
        "example": "4u7EnebtmKWzUH433cf5Qv",
    },
    "track_id": {
        "description": "A track's id",
        "schema": {"type": "string", "pattern": "^[0-9A-Za-z]{22}$"},
        "example": "7hQJA50XrCWABAu5v6QZ4i",
    },
    "image_id": {
        "description": "A picture's id",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{40}$"},
        "example": "ab67616d0000b273ce4f1737bc8a646c8c4bd25a",
    },
    "user_id": {
        "description": "A user",
        "schema": {"type": "string", "pattern": USER_ID},
        "example": "alice",
    },
    "file": {
        "description": "A file of the page",
        "schema": {"type": "string", "enum": list(FILES)},
    },
}
