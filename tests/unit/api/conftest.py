import pytest

from tests.support.api import Api, api_on
from tests.support.crate import Crate


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    """The API of an empty system with three permits."""
    return api_on(Crate.of(), monkeypatch)
