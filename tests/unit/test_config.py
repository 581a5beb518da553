import pytest

from cratekeeper.config import Settings, SettingsError
from cratekeeper.domain.limits import AlbumCapacity, UserLimits
from cratekeeper.domain.retry import RetryPolicy

QUOTAS = ["MAX_ALBUMS_PER_HOUR", "MAX_ALBUMS_PER_DAY", "USER_MAX_REQUESTS_PER_DAY", "USER_MAX_QUEUE_SIZE"]
NUMBERS = [
    *QUOTAS,
    "PROVIDER_TIMEOUT_SECONDS",
    "MAX_CONCURRENT_DOWNLOADS",
    "MAX_RETRIES",
    "INITIAL_BACKOFF_SECONDS",
    "MAX_BACKOFF_SECONDS",
    "BACKOFF_MULTIPLIER",
    "LEASE_SECONDS",
    "AUDIT_RETENTION_DAYS",
]


def load(**environ: str) -> Settings:
    return Settings.load(environ)


def test_the_defaults_are_those_of_the_template() -> None:
    settings = load(PATH="/bin")
    assert settings.user_limits == UserLimits(max_per_day=100, max_queue=200)
    assert settings.capacity == AlbumCapacity(max_per_hour=10, max_per_day=60)
    assert settings.retry_policy == RetryPolicy(initial_s=60, max_s=3600, multiplier=2)
    assert (settings.max_concurrent_downloads, settings.max_retries, settings.lease_seconds) == (3, 5, 60)
    assert (settings.provider_url, settings.provider_timeout_seconds, settings.audit_retention_days) == ("", 300, 90)


@pytest.mark.case("S-01")
@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["many", "", "-2", "nan", "inf", "1e999"])
def test_a_word_a_negative_or_an_endless_number_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: "):
        load(**{name: value})


@pytest.mark.case("S-01")
def test_every_wrong_setting_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        load(MAX_RETRIES="x", LEASE_SECONDS="0", LOG_LEVEL="loud", PROVIDER_URL="ftp://x")
    assert all(name in str(refused.value) for name in ("MAX_RETRIES", "LEASE_SECONDS", "LOG_LEVEL", "PROVIDER_URL"))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_CONCURRENT_DOWNLOADS", "0"),
        ("MAX_CONCURRENT_DOWNLOADS", "1001"),
        ("AUDIT_RETENTION_DAYS", "0"),
        ("LEASE_SECONDS", "0"),
        ("LEASE_SECONDS", "901"),
        ("PROVIDER_TIMEOUT_SECONDS", "0"),
        ("PROVIDER_TIMEOUT_SECONDS", "841"),
        ("MAX_RETRIES", "41"),
        ("MAX_RETRIES", "-1"),
        ("INITIAL_BACKOFF_SECONDS", "-1"),
        ("BACKOFF_MULTIPLIER", "0.5"),
        ("PROVIDER_URL", "provider.test"),
        ("PROVIDER_URL", "http://a b"),
        ("LOG_LEVEL", "debug"),
    ],
)
def test_what_is_out_of_range_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: "):
        load(**{name: value})


@pytest.mark.parametrize("value", ["-1", " -1 "])
def test_unlimited_is_minus_one_outside_and_none_inside(value: str) -> None:
    settings = load(**dict.fromkeys([*QUOTAS, "MAX_CONCURRENT_DOWNLOADS", "AUDIT_RETENTION_DAYS"], value))
    assert settings.user_limits == UserLimits(max_per_day=None, max_queue=None)
    assert settings.capacity == AlbumCapacity(max_per_hour=None, max_per_day=None)
    assert (settings.max_concurrent_downloads, settings.audit_retention_days) == (None, None)


@pytest.mark.parametrize("name", QUOTAS)
def test_a_quota_of_zero_is_allowed(name: str) -> None:
    assert getattr(load(**{name: "0"}), name.lower()) == 0


@pytest.mark.case("L-06")
def test_limits_are_read_from_the_environment() -> None:
    settings = load(USER_MAX_REQUESTS_PER_DAY="7", USER_MAX_QUEUE_SIZE="9")
    assert settings.user_limits == UserLimits(max_per_day=7, max_queue=9)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000", "https://provider.example.org/base"])
def test_a_provider_is_an_http_url(url: str) -> None:
    assert load(PROVIDER_URL=url).provider_url == url


def test_a_resource_that_is_needed_is_there_or_named() -> None:
    assert load(QUEUE_TABLE="table").need("queue_table") == "table"
    with pytest.raises(SettingsError, match="QUEUE_TABLE: is not set"):
        load().need("queue_table")


def test_an_issuer_needs_an_audience() -> None:
    with pytest.raises(SettingsError, match="OIDC_AUDIENCE"):
        Settings.load({"OIDC_ISSUER": "https://id.example"})
    assert Settings.load({"OIDC_ISSUER": "https://id.example", "OIDC_AUDIENCE": "us"}).oidc_audience == "us"
