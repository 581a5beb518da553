"""Users, their keys, and the audit history."""

import re
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import quote

from cratekeeper.api.cursors import Cursors
from cratekeeper.api.edge import Answer
from cratekeeper.api.once import Created, first, key_of, once
from cratekeeper.api.parameters import Paged
from cratekeeper.api.people import (
    USER_ID,
    AuditFilters,
    AuditOut,
    AuditQuery,
    ChangeUser,
    CreateUser,
    MadeKey,
    NewKeyOut,
    UserOut,
)
from cratekeeper.api.request import Request
from cratekeeper.api.schemas import PageOut
from cratekeeper.domain.audit import AuditPage
from cratekeeper.domain.errors import KeyAlreadyMade, NotFound
from cratekeeper.domain.ids import Seed
from cratekeeper.services.audit import Audit
from cratekeeper.services.idempotency import Idempotency
from cratekeeper.services.users import Users


def audit(request: Request, history: Audit, cursors: Cursors) -> Answer:
    """`GET /v1/admin/audit`."""
    wanted = request.params(AuditFilters)
    search = replace(
        wanted.search(),
        download_id=wanted.download_id,
        user_id=wanted.user_id,
        kind=wanted.kind,
        content_id=wanted.content_id,
    )
    found = history.page(search, after=_after(request, wanted, cursors), limit=wanted.limit)
    return _entries(request, found, cursors)


def audit_of_download(request: Request, history: Audit, cursors: Cursors) -> Answer:
    """`GET /v1/admin/audit/downloads/{download_id}`."""
    wanted = request.params(AuditQuery)
    search = replace(wanted.search(), download_id=request.path["download_id"])
    found = history.of_download(search, after=_after(request, wanted, cursors), limit=wanted.limit)
    return _entries(request, found, cursors)


def audit_of_user(request: Request, history: Audit, cursors: Cursors) -> Answer:
    """`GET /v1/admin/audit/users/{user_id}`: what they did, also if there is no such user any more."""
    wanted = request.params(AuditQuery)
    search = replace(wanted.search(), user_id=_user_id(request))
    found = history.page(search, after=_after(request, wanted, cursors), limit=wanted.limit)
    return _entries(request, found, cursors)


def users(request: Request, people: Users, cursors: Cursors) -> Answer:
    """`GET /v1/admin/users`."""
    wanted, scope = request.params(Paged), request.scope()
    page = people.page(after=cursors.decode(wanted.cursor, scope=scope), limit=wanted.limit)
    items = [UserOut.of(user) for user in page.users]
    return Answer(body=PageOut[UserOut](items=items, next_cursor=cursors.encode(page.next_after, scope=scope)))


def user(request: Request, people: Users) -> Answer:
    """`GET /v1/admin/users/{user_id}`."""
    return Answer(body=UserOut.of(people.one(_user_id(request))))


def create_user(request: Request, people: Users, idempotency: Idempotency) -> Answer:
    """`POST /v1/admin/users`."""
    wanted, key = request.body(CreateUser).wanted(), key_of(request)

    def create(seed: Seed) -> Created:
        made = people.create(wanted, by=request.who, seed=seed)
        return Created(UserOut.of(made), f"/v1/admin/users/{quote(made.user_id, safe='')}", HTTPStatus.CREATED)

    return once(request, idempotency, create, key=key)


def change_user(request: Request, people: Users) -> Answer:
    """`PATCH /v1/admin/users/{user_id}`."""
    return Answer(body=UserOut.of(people.amend(_user_id(request), request.body(ChangeUser).values(), by=request.who)))


def create_key(request: Request, people: Users, idempotency: Idempotency) -> Answer:
    """`POST /v1/admin/users/{user_id}/keys`: what is kept for a repetition is the key's id alone (docs/adr/0025)."""
    shown: list[NewKeyOut] = []

    def create(seed: Seed) -> Created:
        made = people.create_key(_user_id(request), by=request.who, seed=seed)
        if made:
            shown.append(NewKeyOut(user_id=made.user_id, key_id=made.key_id, key=made.key))
        return Created(MadeKey(key_id=seed.root), status=HTTPStatus.CREATED)

    # A body is not read here, so it does not tell two requests apart.
    kept = first(replace(request, raw_body=b""), idempotency, create, key=key_of(request))
    if not shown:
        raise KeyAlreadyMade(MadeKey.model_validate_json(kept.body).key_id)
    return Answer(body=shown[0], status=HTTPStatus.CREATED)


def revoke_key(request: Request, people: Users) -> Answer:
    """`DELETE /v1/admin/users/{user_id}/keys/{key_id}`."""
    people.revoke(_user_id(request), request.path["key_id"], by=request.who)
    return Answer(body=None, status=HTTPStatus.NO_CONTENT)


def _user_id(request: Request) -> str:
    """What cannot be a user's id is nobody's. Raises NotFound."""
    found = request.path["user_id"]
    if not re.fullmatch(USER_ID, found):
        raise NotFound("no such user")
    return found


def _after(request: Request, wanted: Paged, cursors: Cursors) -> str | None:
    return cursors.decode(wanted.cursor, scope=request.scope())


def _entries(request: Request, found: AuditPage, cursors: Cursors) -> Answer:
    items = [AuditOut.of(entry) for entry in found.entries]
    next_cursor = cursors.encode(found.next_after, scope=request.scope())
    return Answer(body=PageOut[AuditOut](items=items, next_cursor=next_cursor))
