"""What holds for every test: the marker `case`, a shell without AWS, repeatable examples."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

FORGOTTEN = ("AWS_", "CRATEKEEPER_")

# The same examples in every run: a suite that is red now and green then is worth little.
# New examples: pytest --hypothesis-profile=explore
settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("explore", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--case", metavar="ID", help="run only the tests of one acceptance case")
    parser.addoption("--long", action="store_true", help="at the full size, as `make prove` does")


@pytest.fixture(scope="session")
def is_long(pytestconfig: pytest.Config) -> bool:
    """Whether a test that has two sizes runs at its full one."""
    return bool(pytestconfig.getoption("--long"))


def pytest_configure() -> None:
    # Neither the shell nor the files of whoever runs the tests may choose an account.
    for name in [name for name in os.environ if name.startswith(FORGOTTEN)]:
        del os.environ[name]
    os.environ |= {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = config.getoption("--case")
    if wanted is None:
        return
    chosen = [item for item in items if wanted in cases_of(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def cases_of(item: pytest.Item) -> Iterator[str]:
    for mark in item.iter_markers("case"):
        yield from mark.args
