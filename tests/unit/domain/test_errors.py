import inspect
import re

import pytest

from cratekeeper.domain import errors
from cratekeeper.domain.failures import ErrorType
from tests.support.builders import a_control, at


def drawn() -> dict[str, str | None]:
    """Each class of the docstring's tree, and the one it hangs from."""
    lines = re.findall(r"^([│├└─ ]*(?:├──|└──) |)([A-Z]\w*[a-z])(?: .*)?$", errors.__doc__ or "", re.MULTILINE)[1:]
    above, tree = list[str](), dict[str, str | None]()
    for branch, name in lines:
        del above[len(branch) // 4 :]
        tree[name] = above[-1] if above else None
        above.append(name)
    return tree


def test_the_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    classes = {
        name: each.__base__.__name__ if each.__base__ not in {None, Exception} else None
        for name, each in inspect.getmembers(errors, inspect.isclass)
        if issubclass(each, Exception)
    }
    assert drawn() == classes


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errors.Invalid("all wrong", ("body.kind", "missing")), "all wrong"),
        (errors.AlreadyQueued("X"), "already queued as X"),
        (errors.InvalidState("FAILED", "pause"), "cannot pause a download that is FAILED"),
        (errors.WriteRefused("a write", None), "str was refused"),
        (errors.LimitReached("daily", limit=3, used=2, resets_at=None), "2 of 3 used"),
        (errors.CapacityFull(at(0)), "up until 2026-11-21T08:00:00"),
        (errors.PermitRefused(a_control()), "no permit now"),
        (errors.LeaseLost("X"), "X belongs to another worker"),
        (errors.TransferFailed(ErrorType.BUSY, "later"), "later"),
    ],
)
def test_an_error_says_what_happened(error: errors.CratekeeperError, words: str) -> None:
    assert words in str(error)
