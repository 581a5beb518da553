"""The parameters that behaviours take; each uses a few and has defaults for them."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class Params(BaseModel):
    """All optional; `None` leaves the choice to the behaviour.

    `keep`: share (0 to 1) of the body that is sent before the trouble. `size_bytes`: length
    of something made up. `rate_bytes_s`: speed of the body. `seconds`: how long a hang
    lasts. `interval_s`: pause after each byte of a head. `code`, `retry_after`: status and
    header. `field`, `value`: a top-level JSON field (of each row of a list) and what to put
    there. `type`: a Content-Type. `to`: a Location. `text`: bytes to send, as Latin-1.
    `headers`: more of them, also twice the same. `depth`: of nesting. `shift`, `total`:
    what a wrong Content-Range claims.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    keep: float | None = Field(default=None, ge=0, le=1)
    size_bytes: int | None = Field(default=None, ge=0, le=2**33)
    rate_bytes_s: int | None = Field(default=None, ge=1)
    seconds: float = Field(default=3600.0, ge=0)
    interval_s: float = Field(default=0.5, ge=0)
    code: int | None = Field(default=None, ge=100, le=999)
    retry_after: str | int | None = None
    field: str = "name"
    value: JsonValue = None
    type: str | None = None
    to: str | None = None
    text: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    depth: int = Field(default=100_000, ge=1, le=5_000_000)
    shift: int = 1
    total: int | None = None

    def kept_bytes(self, size_bytes: int) -> int:
        """How much of a body of this size is sent; half of it where `keep` is not given."""
        return int(size_bytes * (0.5 if self.keep is None else self.keep))
