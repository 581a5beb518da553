"""The script of faults: which of the next requests are answered wrongly, and how."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, field_validator

from cratekeeper_local.provider.messages import Request
from cratekeeper_local.provider.misbehaviour import BEHAVIOURS, RANGE_ONLY
from cratekeeper_local.provider.params import Params

FOREVER: Final = -1


class Fault(BaseModel):
    """One instruction: the next `times` requests that `match` get `behaviour`.

    `match` is an id (any path with that segment), a path prefix ending in "/", or a whole
    path in which ``*`` stands for anything: ``/track/*/audio``. `skip` lets that many
    matching requests pass first. `times` -1 means until the script is cleared.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: str = Field(min_length=1)
    behaviour: str
    times: int = Field(default=1, ge=FOREVER)
    skip: int = Field(default=0, ge=0)
    params: Params = Params()

    @field_validator("behaviour")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in BEHAVIOURS:
            raise ValueError(f"one of {', '.join(sorted(BEHAVIOURS))}")
        return name

    def is_for(self, request: Request) -> bool:
        """Whether the request is one of those meant."""
        # To misanswer a range there must be one: such faults wait for it.
        if self.behaviour in RANGE_ONLY and "range" not in request.headers:
            return False
        if not self.match.startswith("/"):
            return self.match in request.segments
        if self.match.endswith("/"):
            return request.path.startswith(self.match)
        return fnmatchcase(request.path, self.match)


FAULTS: Final = TypeAdapter(list[Fault])


class Script:
    """The faults still to come, in order; the first that fits is used up by one."""

    def __init__(self) -> None:
        self._steps: list[_Step] = []

    def add(self, faults: Sequence[Fault]) -> None:
        """Append instructions."""
        self._steps += [_Step(fault) for fault in faults]

    def clear(self) -> None:
        """Forget all instructions."""
        self._steps.clear()

    def take(self, request: Request) -> Fault | None:
        """The fault for this request, or None; counts it as used."""
        for step in self._steps:
            if step.fault.is_for(request) and step.is_due():
                return step.fault
        return None

    def rows(self) -> list[JsonValue]:
        """The instructions with what is left of them: the answer of ``GET /__faults``."""
        return [step.row() for step in self._steps if step.left != 0]


class _Step:
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.left = fault.times
        self._skip = fault.skip

    def is_due(self) -> bool:
        if self.left == 0:
            return False
        if self._skip > 0:
            self._skip -= 1
            return False
        if self.left != FOREVER:
            self.left -= 1
        return True

    def row(self) -> JsonValue:
        left = {"times": self.left, "skip": self._skip}
        return {**self.fault.model_dump(mode="json", exclude_defaults=True), **left}
