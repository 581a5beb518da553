import pytest

from tests.support.crate import Crate


@pytest.fixture
def crate() -> Crate:
    """Three permits, leases of a minute, the deployment's settings."""
    return Crate.of()
