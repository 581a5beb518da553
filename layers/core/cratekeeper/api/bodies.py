"""Bodies of creating and steering many downloads, and their answers."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from cratekeeper.api.problems import shape_of
from cratekeeper.api.schemas import CreateDownload, Integer, Name, Out, Time
from cratekeeper.domain.actions import Action
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.states import State
from cratekeeper.services.batches import Outcome, Reason
from cratekeeper.services.discovery import Requested
from cratekeeper.services.explain import Blocker
from cratekeeper.services.requests import NewDownload
from cratekeeper.services.together import Steered

Priority = Annotated[Integer, Field(ge=1, le=3, description="1 high (needs `edit_catalog`), 2 normal, 3 low")]


class Body(BaseModel):
    """What a caller sends: unknown fields and other types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class CreateBatch(Body):
    """Body of `POST /v1/downloads/batch`; `priority` is that of the items that name none."""

    items: Annotated[list[CreateDownload], Field(min_length=1, max_length=100)]
    priority: Priority | None = None

    def wanted(self) -> list[NewDownload]:
        """The service's values, in order."""
        lane = Lane(self.priority) if self.priority else Lane.NORMAL
        return [
            item.wanted() if "priority" in item.model_fields_set else replace(item.wanted(), lane=lane)
            for item in self.items
        ]


class CreateDiscography(Body):
    """Body of `POST /v1/downloads/discography`."""

    artist_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{22}$", description="22 base62 digits")]
    artist_name: Name | None = None


class SetPriority(Body):
    """Body of `POST /v1/downloads/{id}/priority`."""

    priority: Priority


_MOVES: Final[JsonDict] = {"properties": {"action": {"const": "priority"}}, "required": ["action"]}
_NAMES_A_LANE: Final[JsonDict] = {"properties": {"priority": {"type": "integer"}}, "required": ["priority"]}


class ActOnMany(Body):
    """Body of `POST /v1/downloads/batch-action`; `priority` belongs to the action of that name."""

    model_config = ConfigDict(json_schema_extra={"if": _MOVES, "then": _NAMES_A_LANE})

    ids: Annotated[list[Annotated[str, Field(min_length=1, max_length=64)]], Field(min_length=1, max_length=100)]
    action: Annotated[Action, Field(strict=False)]
    priority: Priority | None = None

    @model_validator(mode="after")
    def _has_priority(self) -> Self:
        if self.action is Action.PRIORITY and self.priority is None:
            raise ValueError("the action priority needs a priority")
        return self

    @property
    def lane(self) -> Lane | None:
        """Where the downloads are moved to."""
        return Lane(self.priority) if self.priority and self.action is Action.PRIORITY else None


class BatchResultOut(Out):
    """What became of one item: `reason` where it was skipped; with `already_queued` the active download's id."""

    left_out: ClassVar[frozenset[str]] = frozenset({"reason"})

    index: int
    status: Literal["queued", "skipped"]
    download_id: str | None
    reason: Reason | None = None


class BatchOut(Out):
    """Answer of `POST /v1/downloads/batch`, in the order of the items."""

    results: list[BatchResultOut]

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Self:
        """The answer for the service's values."""
        return cls(
            results=[
                BatchResultOut(
                    index=index,
                    status="skipped" if outcome.reason else "queued",
                    download_id=outcome.download_id,
                    reason=outcome.reason,
                )
                for index, outcome in enumerate(outcomes)
            ]
        )


class QueuedAlbumOut(Out):
    """An album that is queued now."""

    album_id: str
    download_id: str


class SkippedAlbumOut(Out):
    """An album that is not, and why."""

    album_id: str
    reason: Reason


class DiscographyQueuedOut(Out):
    """Answer of `POST /v1/downloads/discography`, in the provider's order."""

    queued: list[QueuedAlbumOut]
    skipped: list[SkippedAlbumOut]
    albums_queued: int
    albums_skipped: int

    @classmethod
    def of(cls, requested: Iterable[Requested]) -> Self:
        """The answer for the service's values."""
        queued, skipped = [], []
        for album_id, (download_id, reason) in requested:
            if reason:
                skipped.append(SkippedAlbumOut(album_id=album_id, reason=reason))
            elif download_id:
                queued.append(QueuedAlbumOut(album_id=album_id, download_id=download_id))
        return cls(queued=queued, skipped=skipped, albums_queued=len(queued), albums_skipped=len(skipped))


class SteeredOut(Out):
    """A download after its action."""

    id: str
    status: State


class RefusedOut(Out):
    """An action that was refused: `code` as the same action on one download would say it."""

    id: str
    code: str


class ManySteeredOut(Out):
    """Answer of `POST /v1/downloads/batch-action`; each id counts once."""

    total: int
    successful: int
    failed: int
    results: list[SteeredOut]
    errors: list[RefusedOut]

    @classmethod
    def of(cls, steered: Iterable[Steered]) -> Self:
        """The answer for the service's values."""
        results, errors = [], []
        for download_id, item, error in steered:
            if item:
                results.append(SteeredOut(id=download_id, status=item.state))
            elif error:
                errors.append(RefusedOut(id=download_id, code=shape_of(error).code))
        total = len(results) + len(errors)
        return cls(total=total, successful=len(results), failed=len(errors), results=results, errors=errors)


class BlockerOut(Out):
    """One reason why a download does not run; `ends_at` where it ends by itself at a known time."""

    left_out: ClassVar[frozenset[str]] = frozenset({"ends_at"})

    code: str
    detail: str
    ends_at: Time | None = None


class ExplainOut(Out):
    """Answer of `GET /v1/downloads/{id}/explain`."""

    blockers: list[BlockerOut]

    @classmethod
    def of(cls, blockers: Iterable[Blocker]) -> Self:
        """The answer for the service's values."""
        found = [BlockerOut(code=code, detail=detail, ends_at=ends_at) for code, detail, ends_at in blockers]
        return cls(blockers=found)
