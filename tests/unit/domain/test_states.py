import re
from itertools import product

import pytest

from cratekeeper.domain.errors import InvalidState
from cratekeeper.domain.states import ACTIVE, MOVES, TERMINAL, State, Verb, diagram, move

BY_PEOPLE = {Verb.RETRY, Verb.REOPEN}


@pytest.mark.parametrize(("source", "verb"), MOVES)
def test_a_move_of_the_table_leads_where_the_table_says(source: State, verb: Verb) -> None:
    assert move(source, verb) is MOVES[source, verb]


@pytest.mark.parametrize(("source", "verb"), sorted({*product(State, Verb)} - {*MOVES}))
def test_every_other_move_is_refused_by_name(source: State, verb: Verb) -> None:
    with pytest.raises(InvalidState, match=f"cannot {verb} a download that is {source}") as refused:
        move(source, verb)
    assert (refused.value.state, refused.value.verb) == (source, verb)


@pytest.mark.case("T-13")
@pytest.mark.parametrize("terminal", sorted(TERMINAL))
def test_a_terminal_state_is_left_only_by_an_explicit_retry(terminal: State) -> None:
    leaving = {verb: target for (source, verb), target in MOVES.items() if source is terminal is not target}
    assert {*leaving} <= BY_PEOPLE
    assert {*leaving.values()} <= {State.PENDING}


@pytest.mark.parametrize("active", sorted(ACTIVE))
def test_everything_that_has_not_ended_can_be_cancelled(active: State) -> None:
    assert move(active, Verb.CANCEL) is State.CANCELLED


def test_work_begins_only_by_a_claim() -> None:
    starts = {verb for (source, verb), target in MOVES.items() if target is State.IN_PROGRESS is not source}
    assert starts == {Verb.CLAIM}


def test_every_state_can_be_reached_from_pending() -> None:
    reached, fresh = set[State](), {State.PENDING}
    while fresh:
        reached |= fresh
        fresh = {target for (source, _), target in MOVES.items() if source in reached} - reached
    assert reached == {*State}


def test_terminal_and_active_states_are_all_states() -> None:
    assert {*State} == TERMINAL | ACTIVE
    assert not TERMINAL & ACTIVE


def test_the_diagram_shows_exactly_the_table() -> None:
    edges = re.findall(r"^ {4}(\w+) --> (\w+): (.+)$", diagram(), re.MULTILINE)
    shown = {(source, verb, target) for source, target, verbs in edges for verb in verbs.split(", ")}
    assert shown == {(source.value, verb.value, target.value) for (source, verb), target in MOVES.items()}


def test_the_diagram_begins_with_a_request_and_ends_in_the_terminal_states() -> None:
    lines = diagram().splitlines()
    assert lines[:2] == ["stateDiagram-v2", "    [*] --> PENDING: request"]
    assert {*re.findall(r"(\w+) --> \[\*\]", diagram())} == {state.value for state in TERMINAL}
