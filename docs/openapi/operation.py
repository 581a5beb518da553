"""What the document says of an operation beyond what the code does by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

Examples = Mapping[str, Any]
"""By a few words on what it shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation.

    Args:
        id: operationId, a verb and a noun in snake case.
        summary: a line, an imperative without a full stop.
        description: Markdown, whole sentences.
        answer: the model of a success; None = no body.
        codes: codes of the errors beyond those that follow from the route's declaration.
        sent: examples of the body, by what they show.
        got: examples of the answer, by what they show.
        is_idempotent_by_key: it takes an Idempotency-Key.
        redirects: it answers 302 with a link unless it is asked for the answer itself.
        has_etag: it sends an ETag and answers If-None-Match.
        headers: of the success, by name: what they say.
        links: by name: where to go from the answer, as OpenAPI has it.
    """

    id: str
    summary: str
    description: str
    tag: str
    answer: type[BaseModel] | None
    status: HTTPStatus = HTTPStatus.OK
    media_types: tuple[str, ...] = ("application/json",)
    codes: tuple[str, ...] = ()
    sent: Examples = field(default_factory=dict)
    got: Examples = field(default_factory=dict)
    is_idempotent_by_key: bool = False
    redirects: bool = False
    has_etag: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, Any] = field(default_factory=dict)
