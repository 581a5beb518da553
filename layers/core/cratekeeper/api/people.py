"""Users, keys and the audit history: what operators send and get."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from cratekeeper.api.bodies import Body
from cratekeeper.api.parameters import Paged
from cratekeeper.api.schemas import Integer, Out, Time
from cratekeeper.domain.access import Caller, Role
from cratekeeper.domain.audit import AuditSearch
from cratekeeper.domain.events import EventType, HistoryEntry
from cratekeeper.domain.models import Kind
from cratekeeper.domain.users import Key, User

USER_ID: Final = r"^[A-Za-z0-9][A-Za-z0-9._@|:-]{0,63}$"
"""Of a user: a name, an address, or what an identity provider calls its subjects."""

END: Final = datetime.max.replace(tzinfo=UTC, microsecond=999_000)
_TYPE: Final = f"({'|'.join(EventType)})"


def _written(given: object) -> object:
    """A date and a time: pydantic by itself also takes a bare number."""
    if isinstance(given, str) and not re.match(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", given):
        raise ValueError("not a date and time of ISO 8601")
    return given


def _utc(given: datetime) -> datetime:
    try:
        return given.astimezone(UTC)
    except OverflowError:
        raise ValueError("out of range") from None


def _without_default(schema: dict[str, Any]) -> None:
    """Where leaving a field out means to leave it as it is, its default says nothing."""
    schema.pop("default", None)


Moment = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_utc)]
"""A time with its zone."""
UserId = Annotated[str, Field(pattern=USER_ID, description="1 to 64 letters, digits, `.`, `_`, `@`, `|`, `:`, `-`")]
Quota = Annotated[Integer, Field(ge=-1, le=1_000_000, description="-1: unlimited; null: the default")]


class AuditQuery(Paged):
    """Filters of every list of the audit history."""

    event_type: Annotated[
        str | None,
        Field(
            pattern=f"^{_TYPE}(,{_TYPE})*$",
            description="Only these types: repeat the parameter, or separate them by comma",
            examples=["DOWNLOAD_FAILED,RETRY_SCHEDULED"],
        ),
    ] = None
    since: Annotated[Moment | None, Field(description="At or after this time")] = None
    until: Annotated[Moment | None, Field(description="At or before this time")] = None
    order: Annotated[Literal["newest", "oldest"], Field(description="What comes first")] = "newest"

    def search(self) -> AuditSearch:
        """The service's value."""
        return AuditSearch(
            since=self.since,
            until=self.until or END,
            types=frozenset(map(EventType, self.event_type.split(","))) if self.event_type else frozenset(),
            is_oldest_first=self.order == "oldest",
        )


class AuditFilters(AuditQuery):
    """Filters of `GET /v1/admin/audit`."""

    download_id: Annotated[str | None, Field(min_length=1, max_length=64, description="Only of this download")] = None
    user_id: Annotated[str | None, Field(min_length=1, max_length=64, description="Only what this user did")] = None
    kind: Annotated[Kind | None, Field(description="Only of downloads of this kind")] = None
    content_id: Annotated[
        str | None, Field(min_length=1, max_length=2000, description="Only of downloads of this content")
    ] = None


class AuditOut(Out):
    """One entry of the audit history.

    `user_id` is who acted, `system` where nobody asked; `download_id` is null where it is about the queue or a key.
    """

    id: str
    timestamp: Time
    event_type: EventType
    download_id: str | None
    kind: str | None
    content_id: str | None
    user_id: str
    source: str | None
    details: dict[str, str | int | None]

    @classmethod
    def of(cls, entry: HistoryEntry) -> Self:
        """The answer for one entry."""
        return cls(
            id=entry.id,
            timestamp=entry.event.at,
            event_type=entry.event.type,
            download_id=entry.download_id if entry.kind else None,
            kind=entry.kind,
            content_id=entry.content_id,
            user_id=entry.event.actor,
            source=entry.source,
            details=dict(entry.event.details),
        )


class CreateUser(Body):
    """Body of `POST /v1/admin/users`."""

    user_id: UserId
    role: Role
    max_per_day: Quota | None = None
    max_queue: Quota | None = None

    def wanted(self) -> Caller:
        """The service's value."""
        return Caller(user_id=self.user_id, role=self.role, max_per_day=self.max_per_day, max_queue=self.max_queue)


class ChangeUser(Body):
    """Body of `PATCH /v1/admin/users/{user_id}`: what is left out stays as it is."""

    role: Annotated[Role, Field(json_schema_extra=_without_default)] = Role.USER
    max_per_day: Quota | None = None
    max_queue: Quota | None = None

    def values(self) -> dict[str, Role | int | None]:
        """What was sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class KeyOut(Out):
    """A key that is in force; what opens doors was shown once, when it was made."""

    key_id: str
    created_at: Time

    @classmethod
    def of(cls, key: Key) -> Self:
        """The answer for one key."""
        return cls(key_id=key.key_id, created_at=key.created_at)


class UserOut(Out):
    """A user; limits of their own are null where the defaults hold, -1 = unlimited."""

    user_id: str
    role: Role
    max_per_day: int | None
    max_queue: int | None
    created_at: Time
    keys: list[KeyOut]

    @classmethod
    def of(cls, user: User) -> Self:
        """The answer for one user."""
        return cls(
            user_id=user.user_id,
            role=user.role,
            max_per_day=user.max_per_day,
            max_queue=user.max_queue,
            created_at=user.created_at,
            keys=[KeyOut.of(key) for key in user.keys],
        )


class MadeKey(Out):
    """What is kept of the making of a key: enough to revoke it."""

    key_id: str


class NewKeyOut(Out):
    """A new key: `key` is shown this once and stored nowhere."""

    user_id: str
    key_id: str
    key: str
