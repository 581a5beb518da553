"""The hook that every call of a port in memory passes: where tests and the simulator make faults."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from cratekeeper.domain.errors import Unavailable

P = ParamSpec("P")
R = TypeVar("R")

Around = Callable[[str, Callable[[], Any]], Any]
"""Gets the call's site (`store.write`) and the call itself, which may be carried out never, once or twice."""


@dataclass(slots=True)
class Calls:
    """Shared by all ports of one world; without a hook every call is simply carried out."""

    around: Around | None = None

    def carry_out(self, site: str, call: Callable[[], R]) -> R:
        """One call of a port, through the hook."""
        if self.around is None:
            return call()
        result: R = self.around(site, call)
        return result

    def failing(self, site: str, *, times: int = 1) -> None:
        """Let the next `times` calls of the site raise Unavailable without effect."""
        left = times

        def throttle(called: str, call: Callable[[], Any]) -> Any:
            nonlocal left
            if called == site and left > 0:
                left -= 1
                raise Unavailable(f"{site}: throttled")
            return call()

        self.around = throttle

    def losing(self, site: str) -> None:
        """Carry the next call of the site out twice, as an SDK does that lost the first answer."""
        is_lost = False

        def repeat(called: str, call: Callable[[], Any]) -> Any:
            nonlocal is_lost
            if called == site and not is_lost:
                is_lost = True
                call()
            return call()

        self.around = repeat

    def counting(self) -> dict[str, int]:
        """The number of calls by site from now on."""
        seen: dict[str, int] = {}

        def count(called: str, call: Callable[[], Any]) -> Any:
            seen[called] = seen.get(called, 0) + 1
            return call()

        self.around = count
        return seen


class Port(Protocol):
    """What a port in memory has for `fault_point`."""

    @property
    def port(self) -> str: ...

    @property
    def calls(self) -> Calls: ...


S = TypeVar("S", bound=Port)


def fault_point(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Make a port's method one call that can be faulted.

    Iterators among the arguments are read first, so that the call can be carried out twice; what
    they raise flies on before anything happened.
    """
    name = method.__name__

    @wraps(method)
    def called(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if self.calls.around is None:
            return method(self, *args, **kwargs)
        rereadable: Any = [tuple(each) if isinstance(each, Iterator) else each for each in args]
        return self.calls.carry_out(f"{self.port}.{name}", partial(method, self, *rereadable, **kwargs))

    return called
