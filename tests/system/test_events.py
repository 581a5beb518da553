"""Every recorded event is taken by the function it is named for."""

import pytest

from cratekeeper_local.invoking import invoke
from tests.support.events import EventFile, all_events
from tests.support.stack import LocalStack


@pytest.mark.parametrize("event", all_events(), ids=str)
def test_the_function_takes_the_event(stack: LocalStack, event: EventFile) -> None:
    outcome = invoke(stack.aws, stack.resources[f"{event.function.capitalize()}Function"], event.content)
    assert not outcome.failed, outcome
