"""One running stack for the tests that can share it, with a provider that each of them may script."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from cratekeeper_local.provider.child import Provider, running
from tests.support.people import Person, Town
from tests.support.stack import LocalStack, local_stack

QUICK = (
    "--set",
    "InitialBackoffSeconds=1",
    "--set",
    "MaxBackoffSeconds=4",
    "--set",
    "LeaseSeconds=10",
    "--set",
    "MaxAlbumsPerHour=-1",
    "--set",
    "MaxAlbumsPerDay=-1",
)
"""Retries and recoveries within seconds."""


DAY_S: Final = 86_400
SHORTLY_S: Final = 60


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the provider keeps what it encoded."""
    return tmp_path_factory.mktemp("shelf")


@pytest.fixture(scope="session")
def provider(shelf: Path) -> Iterator[Provider]:
    with running(cache_dir=shelf) as started:
        yield started


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[LocalStack]:
    options = ("--provider-url", provider.url, *QUICK, "--set", "UserMaxRequestsPerDay=10")
    with local_stack(tmp_path_factory.mktemp("stack"), *options) as started:
        yield started


@pytest.fixture
def town(stack: LocalStack, provider: Provider) -> Iterator[Town]:
    provider.reset()
    yield Town(stack)
    provider.reset()


@pytest.fixture
def alice(town: Town) -> Iterator[Person]:
    """A user of this test alone: their limits are untouched."""
    with town.person() as person:
        yield person


@pytest.fixture
def within_a_day() -> None:
    """What counts the requests of a day does not begin shortly before midnight (UTC), when the count starts anew."""
    left_s = DAY_S - time.time() % DAY_S
    if left_s < SHORTLY_S:
        time.sleep(left_s + 1)
