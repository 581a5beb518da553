"""Query parameters of the routes: each list of them is checked by the edge and shown in the OpenAPI document."""

import re
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from cratekeeper.domain.models import Kind
from cratekeeper.domain.states import State

DEFAULT_LIMIT: Final = 50
MOST_LIMIT: Final = 200


def _whole(given: object) -> object:
    """Digits alone: pydantic by itself also takes `5.0`, ` 5` and `1_0`."""
    if isinstance(given, str) and not re.fullmatch(r"-?[0-9]{1,9}", given):
        raise ValueError("not a whole number")
    return given


def _flag(given: object) -> object:
    if isinstance(given, str) and given not in {"true", "false"}:
        raise ValueError("not true or false")
    return given


Whole = Annotated[int, BeforeValidator(_whole)]
"""A whole number."""
Flag = Annotated[bool, BeforeValidator(_flag)]
"""`true` or `false`."""


class Query(BaseModel):
    """Query parameters of a route. One that the route does not know is refused: a filter ignored shows too much."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Paged(Query):
    """A list."""

    limit: Annotated[Whole, Field(ge=1, le=MOST_LIMIT, description="Most items of a page", examples=[20])] = (
        DEFAULT_LIMIT
    )
    cursor: Annotated[
        str | None,
        Field(description="`next_cursor` of the page before; opaque, valid for the same caller and filters alone"),
    ] = None


class MyDownloads(Paged):
    """Filters of the caller's own downloads."""

    status: Annotated[State | None, Field(description="Only those in this state")] = None
    kind: Annotated[Kind | None, Field(description="Only those of this kind")] = None
    active: Annotated[Flag | None, Field(description="`true`: only those that have not ended; `false`: only ended")] = (
        None
    )
