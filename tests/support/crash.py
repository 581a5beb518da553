"""Processes that die: at one call of a port everything ends, and nothing of ours runs any more."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from cratekeeper.domain.errors import Unavailable
from tests.memory.calls import Calls


class Killed(BaseException):
    """The process is gone: no `except` of the product may notice."""


def killed_at(calls: Calls, site: str, run: Callable[[], object], *, number: int = 1, after: bool = False) -> None:
    """Run something that is killed at a call of a port: the `number`-th of its site, before or after it."""
    left = number

    def kill(called: str, call: Callable[[], Any]) -> Any:
        nonlocal left
        left -= called == site
        if left or called != site:
            return call()
        left = -1
        if after:
            call()
        raise Killed(site)

    calls.around = kill
    with pytest.raises(Killed):
        run()
    calls.around = None


def killed_at_call(calls: Calls, run: Callable[[], object], *, number: int) -> bool:
    """Run something that is killed before its `number`-th call of any port; False = it made fewer calls."""
    left = number

    def kill(_: str, call: Callable[[], Any]) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed
        return call()

    calls.around = kill
    try:
        run()
    except Killed:
        return True
    finally:
        calls.around = None
    return False


def meanwhile(calls: Calls, site: str, act: Callable[[], object], *, after: int = 0) -> None:
    """Have something done by others just before a call of a site is carried out: the next, or one `after` it."""
    left = after

    def interleave(called: str, call: Callable[[], Any]) -> Any:
        nonlocal left
        if called == site:
            left -= 1
            if left < 0:
                calls.around = None
                act()
        return call()

    calls.around = interleave


def answering(calls: Calls, site: str, error: Callable[..., Exception]) -> None:
    """Let the next call of a site raise the error that is made of its arguments, without effect."""
    is_done = False

    def refuse(called: str, call: Callable[[], Any]) -> Any:
        nonlocal is_done
        if called == site and not is_done and isinstance(call, partial):
            is_done = True
            raise error(*call.args[1:])
        return call()

    calls.around = refuse


def showing(calls: Calls, site: str, answer: object) -> None:
    """Answer every call of a site so, as an index may that lags behind."""
    calls.around = lambda called, call: answer if called == site else call()


def unanswered(calls: Calls, site: str) -> None:
    """Carry the next call of a site out, and answer that nothing is known of it."""
    is_done = False

    def lose(called: str, call: Callable[[], Any]) -> Any:
        nonlocal is_done
        answer = call()
        if called == site and not is_done:
            is_done = True
            raise Unavailable(site)
        return answer

    calls.around = lose
