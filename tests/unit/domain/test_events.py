from cratekeeper.domain.events import SYSTEM
from tests.support.builders import ROOT, an_entry, an_event


def test_an_entry_has_a_deterministic_id() -> None:
    assert an_entry(3).id == an_entry(3, kind="track").id == f"{ROOT}:3"


def test_where_nobody_asked_the_system_acted() -> None:
    assert an_event().actor == SYSTEM
