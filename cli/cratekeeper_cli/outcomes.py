"""What became of each of several things: a table, one document, an exit code."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from rich.table import Table
from rich.text import Text

from cratekeeper_cli import rendering
from cratekeeper_cli.answers import Fields, Json, items_of
from cratekeeper_cli.errors import ApiProblem, CliError, Unreachable
from cratekeeper_cli.exits import Exit
from cratekeeper_cli.tree import Run

T = TypeVar("T")

MOST: Final = 100
"""Items of one call, as the API allows."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one: the word for it if it was done, else the code of the refusal."""

    id: str
    done: str | None = None
    refused: str | None = None


def parts(things: Sequence[T]) -> list[Sequence[T]]:
    """`things` in portions of one call each."""
    return [things[start : start + MOST] for start in range(0, len(things), MOST)]


def in_portions(run: Run, ids: Sequence[str], ask: Callable[[Sequence[str]], Json]) -> list[Outcome]:
    """The outcome of each id, in the order given. Raises CliError only if not even the first call went well."""
    found: dict[str, Outcome] = {}
    for part in parts(ids):
        try:
            answer = ask(part)
        except CliError as error:
            if not found:
                raise
            run.out.note(f"error: {error.line}")
            return [found.get(each) or Outcome(each, refused=error.code) for each in ids]
        found |= {each.id: each for each in _read(answer)}
    return [found.get(each) or Outcome(each, refused="no_answer") for each in ids]


def _read(answer: Json) -> list[Outcome]:
    """The lists `results` and `errors` of a batch-action."""
    done = [Outcome(one.must("id"), done=one.text("status") or "done") for one in _each(answer, "results")]
    return [*done, *(Outcome(one.must("id"), refused=one.text("code") or "?") for one in _each(answer, "errors"))]


def _each(answer: Json, name: str) -> list[Fields]:
    return [Fields(item) for item in items_of(answer, name)]


def one_by_one(run: Run, ids: Sequence[str], act: Callable[[str], str]) -> list[Outcome]:
    """`act` on each, which says the word for it; a refusal goes on with the next, a lost server ends it."""
    found: list[Outcome] = []
    for each in ids:
        try:
            found.append(Outcome(each, done=act(each)))
        except ApiProblem as error:
            found.append(Outcome(each, refused=error.code))
        except Unreachable as error:
            run.out.note(f"error: {error.line}")
            left = ids[len(found) :]
            return [*found, *(Outcome(one, refused=error.code) for one in left)]
    return found


def report(run: Run, outcomes: Sequence[Outcome]) -> Exit:
    """Tell all of them, shaped as the answer of a batch-action; INCOMPLETE if any was refused."""
    done = [{"id": one.id, "status": one.done} for one in outcomes if one.refused is None]
    refused = [{"id": one.id, "code": one.refused} for one in outcomes if one.refused is not None]
    document: Json = {
        "total": len(outcomes),
        "successful": len(done),
        "failed": len(refused),
        "results": done,
        "errors": refused,
    }
    run.out.result(document, _table(outcomes))
    if refused:
        run.out.note(f"{len(refused):,} of {len(outcomes):,} not done")
    return Exit.INCOMPLETE if refused else Exit.OK


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = rendering.plain_table("ID")
    table.add_column("OUTCOME", overflow="fold", ratio=1)
    for one in outcomes:
        word = one.done or ""
        cell = Text(f"not done: {one.refused}", "red") if one.refused else Text(word, rendering.STYLES.get(word, ""))
        table.add_row(one.id, cell)
    return table
