"""Settings: environment variables of the template's parameters, checked at start."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from cratekeeper.domain.limits import AlbumCapacity, UserLimits
from cratekeeper.domain.retry import RetryPolicy


class SettingsError(Exception):
    """A setting is missing or wrong; the text names it."""


def _unlimited(value: object) -> object:
    """-1 at the edge is None inside."""
    return None if str(value).strip() == "-1" else value


def _origin(value: str) -> str:
    """An http(s) URL with a host and a port that exists, or nothing."""
    parts = urlsplit(value)
    if value and (parts.scheme not in {"http", "https"} or not parts.hostname or " " in value or parts.port == 0):
        raise ValueError("must be an http or https URL with a host")
    return value


Quota = Annotated[Annotated[int, Field(ge=0)] | None, BeforeValidator(_unlimited)]
Count = Annotated[Annotated[int, Field(ge=1, le=1000)] | None, BeforeValidator(_unlimited)]
Days = Annotated[Annotated[int, Field(ge=1)] | None, BeforeValidator(_unlimited)]


class Settings(BaseModel):
    """What the deployment says; the names are those of the template's parameters in upper snake case."""

    model_config = ConfigDict(frozen=True, alias_generator=AliasGenerator(validation_alias=str.upper))

    queue_table: str = ""
    catalog_table: str = ""
    history_table: str = ""
    identity_table: str = ""
    plays_table: str = ""
    media_bucket: str = ""
    high_queue_url: str = ""
    normal_queue_url: str = ""
    low_queue_url: str = ""
    event_bus_name: str = ""
    pepper_secret_id: str = ""
    processor_function: str = ""
    jobs_function: str = ""
    watchdog_function: str = ""
    metrics_namespace: str = ""

    provider_url: Annotated[str, AfterValidator(_origin)] = ""
    provider_timeout_seconds: int = Field(default=300, ge=1, le=840)
    max_concurrent_downloads: Count = 3
    max_albums_per_hour: Quota = 10
    max_albums_per_day: Quota = 60
    user_max_requests_per_day: Quota = 100
    user_max_queue_size: Quota = 200
    max_retries: int = Field(default=5, ge=0, le=40)
    initial_backoff_seconds: float = Field(default=60, ge=0, le=86_400, allow_inf_nan=False)
    max_backoff_seconds: float = Field(default=3600, ge=0, le=86_400, allow_inf_nan=False)
    backoff_multiplier: float = Field(default=2.0, ge=1, le=10, allow_inf_nan=False)
    lease_seconds: int = Field(default=60, ge=1, le=900)
    stale_in_progress_seconds: int = Field(default=3600, ge=1)
    audit_retention_days: Days = 90
    watchdog_schedule: str = "rate(1 day)"
    media_url_seconds: int = Field(default=900, ge=1, le=900)
    idempotency_enabled: bool = True
    oidc_issuer: Annotated[str, AfterValidator(_origin)] = ""
    oidc_audience: str = ""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """Without an audience, tokens that the issuer made for others would open our doors."""
        if self.oidc_issuer and not self.oidc_audience:
            raise ValueError("OIDC_AUDIENCE: must be set where OIDC_ISSUER is")
        return self

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "Settings":
        """The settings of an environment. Raises SettingsError, naming each wrong one."""
        try:
            return cls.model_validate(dict(environ))
        except ValidationError as error:
            wrong = [
                f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}"
                for each in error.errors(include_url=False)
            ]
            raise SettingsError("; ".join(wrong)) from None

    @property
    def user_limits(self) -> UserLimits:
        """The default per-user limits."""
        return UserLimits(max_per_day=self.user_max_requests_per_day, max_queue=self.user_max_queue_size)

    @property
    def capacity(self) -> AlbumCapacity:
        """Albums that may start an hour and a day."""
        return AlbumCapacity(max_per_hour=self.max_albums_per_hour, max_per_day=self.max_albums_per_day)

    @property
    def retry_policy(self) -> RetryPolicy:
        """Backoff of failed attempts."""
        return RetryPolicy(
            initial_s=self.initial_backoff_seconds,
            max_s=self.max_backoff_seconds,
            multiplier=self.backoff_multiplier,
        )

    def need(self, name: str) -> str:
        """A resource name that this function cannot do without. Raises SettingsError if it is empty."""
        value: str = getattr(self, name)
        if not value:
            raise SettingsError(f"{name.upper()}: is not set")
        return value
