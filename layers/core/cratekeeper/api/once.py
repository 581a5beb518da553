"""Idempotency-Key: the header, and the fingerprint of a request."""

import json
from collections.abc import Callable
from hashlib import sha256
from http import HTTPStatus
from typing import Final, NamedTuple

from pydantic import BaseModel

from cratekeeper.api.edge import JSON, Answer, Content
from cratekeeper.api.request import Request
from cratekeeper.domain.errors import Invalid
from cratekeeper.domain.idempotency import KeptAnswer, KeyName
from cratekeeper.domain.ids import Seed
from cratekeeper.services.idempotency import Idempotency

HEADER: Final = "idempotency-key"
MOST_CHARACTERS: Final = 255


class Created(NamedTuple):
    """What a creating view answers: 202 unless it is done with it, perhaps with a `Location`."""

    body: BaseModel
    location: str | None = None
    status: HTTPStatus = HTTPStatus.ACCEPTED


def once(
    request: Request, idempotency: Idempotency, create: Callable[[Seed], Created], *, key: KeyName | None
) -> Answer:
    """What `create` answers, or its first answer under the same key, to the byte.

    `key` is `key_of(request)`, looked at before anything is refused for other reasons.
    """
    kept = first(request, idempotency, create, key=key)
    headers = {"Location": kept.location} if kept.location else {}
    return Answer(body=Content(kept.body.encode(), JSON), status=HTTPStatus(kept.status), headers=headers)


def first(
    request: Request, idempotency: Idempotency, create: Callable[[Seed], Created], *, key: KeyName | None
) -> KeptAnswer:
    """What is kept of the request: of this run of it, or of an earlier one under the same key."""

    def act(seed: Seed) -> KeptAnswer:
        created = create(seed)
        return KeptAnswer(created.status, created.location, created.body.model_dump_json(by_alias=True))

    return idempotency.run(key, _fingerprint(request) if key else "", act)


def key_of(request: Request) -> KeyName | None:
    """The caller's key, None without the header. Raises Invalid for an empty or too long one."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not key.strip() or len(key) > MOST_CHARACTERS:
        detail = f"Idempotency-Key must have 1 to {MOST_CHARACTERS} characters"
        raise Invalid(detail, (f"header.{HEADER}", f"not 1 to {MOST_CHARACTERS} characters"))
    return KeyName(request.who.user_id, key)


def _fingerprint(request: Request) -> str:
    """Of method, path and body, whatever the order and the spaces of the JSON."""
    body = json.dumps(json.loads(request.raw_body or b"{}"), sort_keys=True, separators=(",", ":"))
    return sha256(f"{request.method} {request.raw_path}\n{body}".encode("utf-8", "surrogatepass")).hexdigest()
