from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cratekeeper.domain.models import NONE, Chunk, Download, Tally
from cratekeeper.domain.progress import Outcome, Progress, of_children, of_ended, outcome
from cratekeeper.domain.states import TERMINAL, State
from cratekeeper.domain.transitions import settle
from cratekeeper.domain.writes import applied
from tests.support.builders import Values, a_child, a_chunk, an_album

FEW = settings(max_examples=30)
ENDED = st.sampled_from(sorted(TERMINAL))
C, F, X = State.COMPLETED, State.FAILED, State.CANCELLED


def children_in(*states: State) -> list[Download]:
    return [
        a_child(ordinal, state=state, bytes_downloaded=10 if state is C else None)
        for ordinal, state in enumerate(states, 1)
    ]


def ended(*states: State) -> Outcome:
    """How an album ends whose children ended so, one settled after the other."""
    album = an_album(len(states))
    for child in children_in(*states):
        album = applied(album, settle(album, child))
    end = outcome(album)
    assert end is not None
    return end


@pytest.mark.case("P-03")
def test_progress_counts_children_by_state() -> None:
    progress = of_children(children_in(C, F, State.PENDING, State.IN_PROGRESS))
    assert progress == Progress(total=4, completed=1, failed=1, pending=1, in_progress=1, size_bytes=10)


@FEW
@given(st.lists(st.sampled_from(State)))
def test_the_parts_of_progress_add_up_to_its_total(states: list[State]) -> None:
    progress = of_children(children_in(*states))
    assert progress.total == len(states)
    assert {state: getattr(progress, state.value.lower()) for state in State} == {
        state: Counter(states)[state] for state in State
    }
    assert progress.size_bytes == 10 * states.count(C)


@pytest.mark.case("P-16")
@pytest.mark.parametrize(
    ("progress", "percent"),
    [
        (Progress(), 0),
        (Progress(total=12, pending=12), 0),
        (Progress(total=10, completed=5, failed=2, pending=3), 70),
        (Progress(total=3, completed=2, pending=1), 66),
        (Progress(total=3, completed=2, failed=1), 100),
        (Progress(total=2, completed=1, cancelled=1), 50),
    ],
)
def test_percent_counts_completed_and_failed_children(progress: Progress, percent: int) -> None:
    assert progress.percent == percent


@pytest.mark.parametrize(
    ("states", "state", "partial", "message"),
    [
        ([], C, False, None),
        ([C, C], C, False, None),
        ([F, C], F, True, "1 of 2 children failed"),
        ([F, F], F, False, "2 of 2 children failed"),
        ([F, X], F, False, "1 of 2 children failed"),
        ([F, X, C], F, True, "1 of 3 children failed"),
        ([X, C], C, True, None),
        ([X, X], X, False, None),
    ],
)
def test_an_album_ends_as_its_children_did(
    states: list[State], state: State, partial: bool, message: str | None
) -> None:
    end = ended(*states)
    assert (end.state, end.partial, end.message) == (state, partial, message)


@FEW
@given(st.lists(ENDED).flatmap(lambda states: st.tuples(st.just(states), st.permutations(states))))
def test_an_albums_end_is_a_function_of_its_childrens_alone(pair: tuple[list[State], list[State]]) -> None:
    one_way, another = pair
    assert ended(*one_way) == ended(*another)


@FEW
@given(st.lists(ENDED))
def test_an_albums_tally_adds_up_and_keeps_the_bytes(states: list[State]) -> None:
    end, counts = ended(*states), Counter(states)
    assert end.tally == Tally(completed=counts[C], failed=counts[F], cancelled=counts[X])
    assert end.size_bytes == 10 * counts[C]


@FEW
@given(st.lists(st.tuples(ENDED, st.integers(0, 3))))
def test_chunks_change_nothing_of_the_end(children: list[tuple[State, int]]) -> None:
    states = [state for state, _ in children]
    sets: list[Values] = [
        {
            name: frozenset(
                each for each, (state, mine) in enumerate(children, 1) if (state, mine) == (ended_in, chunk)
            )
            for name, ended_in in (("failed", F), ("cancelled", X))
        }
        | {"bytes_done": 10 * children.count((C, chunk))}
        for chunk in range(4)
    ]
    album = an_album(len(children), open=NONE, **sets[0])
    chunks = [a_chunk(number, **more) for number, more in enumerate(sets[1:], 1)]
    assert outcome(album, chunks) == ended(*states)


@pytest.mark.parametrize(
    ("album", "chunks"),
    [
        (an_album(open=frozenset({1})), []),
        (an_album(120, open=frozenset(), open_chunks=frozenset({1})), []),
        (an_album(120, open=frozenset()), [a_chunk(1, open=frozenset({99}))]),
    ],
)
def test_an_album_with_an_open_child_has_not_ended(album: Download, chunks: list[Chunk]) -> None:
    assert outcome(album, chunks) is None


def test_an_ended_album_carries_its_progress() -> None:
    album = an_album(3, state=F, final=Tally(completed=1, failed=1, cancelled=1), bytes_downloaded=10)
    assert of_ended(album) == Progress(total=3, completed=1, failed=1, cancelled=1, size_bytes=10)
    assert of_ended(an_album(0, state=X)) == Progress()
