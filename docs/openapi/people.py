"""Operations on users, keys and the audit history."""

from http import HTTPStatus
from typing import Any, Final

from cratekeeper.api.people import AuditOut, NewKeyOut, UserOut
from cratekeeper.api.schemas import PageOut
from docs.openapi import examples
from docs.openapi.many import BY_KEY
from docs.openapi.operation import Operation

TAG: Final = "Administration"
KEY: Final[dict[str, Any]] = {"key_id": "01K91J5M3W8Q2T7R4N6Z9B0VCD", "created_at": "2026-11-02T08:12:31.044Z"}
USER: Final[dict[str, Any]] = {
    "user_id": "alice",
    "role": "user",
    "max_per_day": 250,
    "max_queue": None,
    "created_at": "2026-11-02T08:12:30.811Z",
    "keys": [KEY],
}
FAILED: Final[dict[str, Any]] = {
    "id": f"{examples.ALBUM_ID}-3:5",
    "timestamp": "2026-11-21T09:31:07.203Z",
    "event_type": "DOWNLOAD_FAILED",
    "download_id": f"{examples.ALBUM_ID}-3",
    "kind": "track",
    "content_id": "1AhDOtG9vPSOmsWgNW0BEY",
    "user_id": "system",
    "source": "USER",
    "details": {"error_type": "not_found", "message": "no such track", "retry_count": 0},
}
REVOKED: Final[dict[str, Any]] = {
    "id": "user:alice:2",
    "timestamp": "2026-11-21T09:12:44.120Z",
    "event_type": "KEY_REVOKED",
    "download_id": None,
    "kind": None,
    "content_id": None,
    "user_id": "root",
    "source": None,
    "details": {"key_id": "01K91J5M3W8Q2T7R4N6Z9B0VCD", "owner": "alice"},
}
OF_AUDIT: Final = (
    "`user_id` is who acted. Times at both ends are included; what is older than the retention is not shown. A page "
    "may be short where a filter fits little; only `next_cursor` null means that there is no more."
)

OPERATIONS: Final = {
    "GET /v1/admin/audit": Operation(
        id="search_audit",
        summary="Search the audit history",
        description=f"Everything that happened, newest first unless `order` says otherwise. {OF_AUDIT}",
        tag=TAG,
        answer=PageOut[AuditOut],
        got={"First page": examples.page(FAILED, REVOKED)},
    ),
    "GET /v1/admin/audit/downloads/{download_id}": Operation(
        id="get_audit_of_download",
        summary="See the audit history of a download",
        description=f"It outlives the download. {OF_AUDIT}",
        tag=TAG,
        answer=PageOut[AuditOut],
        got={"First page": examples.page(FAILED)},
    ),
    "GET /v1/admin/audit/users/{user_id}": Operation(
        id="get_audit_of_user",
        summary="See what a user did",
        description=f"Also of one who is gone; `system` where nobody asked. {OF_AUDIT}",
        tag=TAG,
        answer=PageOut[AuditOut],
        got={"First page": examples.page(REVOKED)},
    ),
    "GET /v1/admin/users": Operation(
        id="list_users",
        summary="List the users",
        description="By id, with the keys that are in force.",
        tag=TAG,
        answer=PageOut[UserOut],
        got={"First page": examples.page(USER)},
    ),
    "POST /v1/admin/users": Operation(
        id="create_user",
        summary="Add a user",
        description="Without keys. With an identity provider, `user_id` is the subject of the tokens that it signs.",
        tag=TAG,
        answer=UserOut,
        status=HTTPStatus.CREATED,
        is_idempotent_by_key=True,
        codes=("already_exists", *BY_KEY),
        sent={
            "A user": {"user_id": "alice", "role": "user"},
            "With limits": {"user_id": "bob", "role": "user", "max_per_day": -1},
        },
        got={"Added": USER | {"keys": [], "max_per_day": None}},
        headers={"Location": "The user"},
    ),
    "GET /v1/admin/users/{user_id}": Operation(
        id="get_user",
        summary="See a user",
        description="With the keys that are in force.",
        tag=TAG,
        answer=UserOut,
        got={"A user": USER},
    ),
    "PATCH /v1/admin/users/{user_id}": Operation(
        id="change_user",
        summary="Change a user's role or limits",
        description="What is left out stays as it is; null takes the default again. In force within a minute.",
        tag=TAG,
        answer=UserOut,
        sent={"More a day": {"max_per_day": 250}, "A role": {"role": "viewer"}, "The default": {"max_queue": None}},
        got={"Changed": USER},
    ),
    "POST /v1/admin/users/{user_id}/keys": Operation(
        id="create_key",
        summary="Make a key",
        description="`key` is shown this once: only a keyed hash of it is stored. So a repetition under the same "
        "Idempotency-Key makes no further key and is 409 `key_already_made` with `key_id`: if the first answer was "
        "lost, revoke that key and make another one with a new Idempotency-Key. A body is not read.",
        tag=TAG,
        answer=NewKeyOut,
        status=HTTPStatus.CREATED,
        is_idempotent_by_key=True,
        codes=("too_many_keys", "key_already_made", *BY_KEY),
        got={
            "A key": {
                "user_id": "alice",
                "key_id": KEY["key_id"],
                "key": "ck_KV2vR0c7m4pFh1Y9tBq3sZ8wLxN6uJdEaGoTiQbXyCk",
            }
        },
    ),
    "DELETE /v1/admin/users/{user_id}/keys/{key_id}": Operation(
        id="revoke_key",
        summary="Revoke a key",
        description="It opens nothing any more, within a minute everywhere.",
        tag=TAG,
        answer=None,
        status=HTTPStatus.NO_CONTENT,
    ),
}
