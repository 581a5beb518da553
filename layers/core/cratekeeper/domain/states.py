"""The table of moves: which verb leads from which state to which."""

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cratekeeper.domain.errors import InvalidState


class State(StrEnum):
    """Where a download stands; the values are those of the HTTP contract."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    RETRY_WAITING = "RETRY_WAITING"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Verb(StrEnum):
    """What may happen to a download."""

    CLAIM = "claim"
    RECOVER = "recover"
    PARK = "park"
    EXPAND = "expand"
    WAIT = "wait"
    FINISH = "finish"
    FAIL = "fail"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"
    FORCE = "force"
    REOPEN = "reopen"
    PRIORITIZE = "prioritize"
    DELETE = "delete"


MOVES: Final = MappingProxyType({
    (State.PENDING, Verb.CLAIM): State.IN_PROGRESS,
    (State.PENDING, Verb.PARK): State.PENDING,  # no album capacity: waits for the next window
    (State.PENDING, Verb.PAUSE): State.PAUSED,
    (State.PENDING, Verb.CANCEL): State.CANCELLED,
    (State.RETRY_WAITING, Verb.CLAIM): State.IN_PROGRESS,  # only when due
    (State.RETRY_WAITING, Verb.PAUSE): State.PAUSED,
    (State.RETRY_WAITING, Verb.CANCEL): State.CANCELLED,
    (State.RETRY_WAITING, Verb.FORCE): State.PENDING,
    (State.IN_PROGRESS, Verb.RECOVER): State.IN_PROGRESS,  # only when the lease has lapsed
    (State.IN_PROGRESS, Verb.EXPAND): State.IN_PROGRESS,
    (State.IN_PROGRESS, Verb.WAIT): State.RETRY_WAITING,
    (State.IN_PROGRESS, Verb.FINISH): State.COMPLETED,
    (State.IN_PROGRESS, Verb.FAIL): State.FAILED,
    (State.IN_PROGRESS, Verb.PAUSE): State.PAUSED,
    (State.IN_PROGRESS, Verb.CANCEL): State.CANCELLED,
    (State.IN_PROGRESS, Verb.FORCE): State.PENDING,
    (State.PAUSED, Verb.RESUME): State.PENDING,
    (State.PAUSED, Verb.CANCEL): State.CANCELLED,
    (State.FAILED, Verb.RETRY): State.PENDING,  # people only
    (State.CANCELLED, Verb.RETRY): State.PENDING,  # people only
    (State.FAILED, Verb.REOPEN): State.PENDING,  # a child is retried
    (State.COMPLETED, Verb.REOPEN): State.PENDING,  # the same, and only a partial one
    (State.PENDING, Verb.PRIORITIZE): State.PENDING,
    (State.IN_PROGRESS, Verb.PRIORITIZE): State.IN_PROGRESS,
    (State.RETRY_WAITING, Verb.PRIORITIZE): State.RETRY_WAITING,
    (State.PAUSED, Verb.PRIORITIZE): State.PAUSED,
    (State.COMPLETED, Verb.DELETE): State.COMPLETED,  # what runs is cancelled first
    (State.FAILED, Verb.DELETE): State.FAILED,
    (State.CANCELLED, Verb.DELETE): State.CANCELLED,
})
"""Every legal edge. Terminal states leave by RETRY or REOPEN only (protocol rule 10); deleted, the record goes."""

TERMINAL: Final = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED})
ACTIVE: Final = frozenset(State) - TERMINAL


def move(state: State, verb: Verb) -> State:
    """The state that `verb` leads to from `state`; InvalidState if the table has no such edge."""
    try:
        return MOVES[state, verb]
    except KeyError:
        raise InvalidState(state, verb) from None


def diagram() -> str:
    """The table as a Mermaid state diagram, for `docs/`."""
    edges: dict[tuple[State, State], list[str]] = {}
    for (source, verb), target in MOVES.items():
        edges.setdefault((source, target), []).append(verb.value)
    lines = ["stateDiagram-v2", f"    [*] --> {State.PENDING.value}: request"]
    lines += [f"    {a.value} --> {b.value}: {', '.join(verbs)}" for (a, b), verbs in edges.items()]
    lines += [f"    {state.value} --> [*]" for state in State if state in TERMINAL]
    return "\n".join(lines) + "\n"
