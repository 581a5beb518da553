"""S4: the CPU of the API's functions, beside that of one call of boto3 in the same run.

Two ways. With the real adapters against a server that only answers: the whole of `POST /v1/downloads`,
and what of it passes outside the SDK's calls. And with every port in memory: each route by itself.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from itertools import count
from typing import Any, Final

import pytest

from cratekeeper.adapters.dynamodb.control import PERMITS, hungry_in, permit_value
from cratekeeper.adapters.dynamodb.keys import CONTROL
from cratekeeper.bootstrap import adapters
from cratekeeper.domain.control import Permit
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.limits import UserLimits
from cratekeeper.services.release import HUNGRY
from tests.bench import null
from tests.bench.door import Ask, Door, opened
from tests.bench.rig import TABLES, environment
from tests.contract.emulator import REGION
from tests.memory.bell import MemoryBell
from tests.memory.calls import Calls
from tests.memory.samples import content_id
from tests.memory.virtual import VirtualClock
from tests.support.api import api_on
from tests.support.builders import root_id
from tests.support.crate import Crate, Knobs

ROUNDS: Final = 60
POST: Final = "POST /v1/downloads"

_numbers = count(1)


@dataclass(slots=True)
class Inside:
    """The CPU seconds that pass within calls of boto3 clients, and the parameters of the last transaction."""

    total_s: float = 0.0
    calls: list[str] = field(default_factory=list)
    transaction: dict[str, Any] = field(default_factory=dict)

    def watch(self, client: Any, patch: pytest.MonkeyPatch) -> None:
        """Count the client's calls from now on: all of them pass this one method."""
        name = "_make_api_call"
        call = getattr(client, name)

        def counted(operation: str, parameters: dict[str, Any]) -> Any:
            if operation == "TransactWriteItems":
                self.transaction = parameters
            self.calls.append(operation)
            start_s = time.process_time()
            answer = call(operation, parameters)
            self.total_s += time.process_time() - start_s
            return answer

        patch.setattr(client, name, counted)


@dataclass(frozen=True, slots=True)
class Handled:
    """CPU seconds of a request, of what of it is outside the SDK's calls, and of one bare TransactWriteItems."""

    whole_s: float
    outside_s: float
    bare_s: float
    calls: tuple[str, ...]


def posts(*, rounds: int = ROUNDS) -> Handled:
    """`POST /v1/downloads` with the real adapters, and bare transactions of the same three writes, interleaved."""
    with _answered() as (door, client), pytest.MonkeyPatch.context() as patch:
        inside = Inside()
        inside.watch(client, patch)
        door.call(_one())
        calls, transaction = tuple(inside.calls), inside.transaction
        whole, outside, bare = [], [], []
        for _ in range(rounds):
            before_s = inside.total_s
            took_s = _timed(door.prepared(_one()))
            whole.append(took_s)
            outside.append(took_s - (inside.total_s - before_s))
            bare.append(_timed(partial(client.transact_write_items, **transaction)))
        return Handled(min(whole), min(outside), min(bare), calls)


def routes(*, rounds: int = ROUNDS) -> dict[str, float]:
    """CPU seconds of each route outside its ports, which are in memory; "" is one bare TransactWriteItems."""
    found: dict[str, list[float]] = {}
    with _answered() as (door, client), pytest.MonkeyPatch.context() as patch:
        inside = Inside()
        inside.watch(client, patch)
        door.call(_one())
        crate = Crate.of(knobs=Knobs(limits=UserLimits(max_per_day=None, max_queue=None)))
        api = api_on(crate, patch)
        inner, ports = Door(api.keys), _Ports()
        crate.world.calls.around = ports.timed
        for _ in range(rounds):
            made = inner.call(_one())["id"]
            for ask in _asks(made):
                before_s = ports.total_s
                took_s = _timed(inner.prepared(ask))
                found.setdefault(ask.route.replace(made, "{id}"), []).append(took_s - (ports.total_s - before_s))
            found.setdefault("", []).append(_timed(partial(client.transact_write_items, **inside.transaction)))
    return {name: min(times) for name, times in found.items()}


@dataclass(slots=True)
class _Ports:
    """The CPU seconds that pass within ports in memory: those of the product's own adapters are others."""

    total_s: float = 0.0

    def timed(self, _site: str, call: Callable[[], Any]) -> Any:
        """Carry one call of a port out."""
        start_s = time.process_time()
        try:
            return call()
        finally:
            self.total_s += time.process_time() - start_s


def _asks(made: str) -> Iterator[Ask]:
    """Every route of the queue, in an order in which each is allowed; `made` waits."""
    yield _one()
    yield Ask("POST /v1/downloads/batch", body={"items": [_wish() for _ in range(10)]})
    for path in ("", f"/{made}", f"/{made}/children", f"/{made}/events", f"/{made}/explain"):
        yield Ask(f"GET /v1/downloads{path}")
    for path in ("limits", "queue"):
        yield Ask(f"GET /v1/{path}")
    yield Ask(f"{POST}/{made}/pause")
    yield Ask(f"{POST}/{made}/resume")
    yield Ask(f"{POST}/{made}/priority", body={"priority": 3})
    yield Ask(f"{POST}/{made}/cancel")
    yield Ask(f"{POST}/{made}/retry")
    for path in ("stats", "activity", "downloads", "audit", "users"):
        yield Ask(f"GET /v1/admin/{path}", by="root")
    yield Ask("POST /v1/admin/queue/pause", by="root", body={})
    yield Ask("POST /v1/admin/queue/resume", by="root")
    yield Ask("PATCH /v1/admin/queue", by="root", body={"max_concurrent": 3})
    yield Ask(f"DELETE /v1/admin/downloads/{made}", by="root")
    yield Ask("GET /health")


def _wish() -> dict[str, str]:
    return {"kind": "track", "content_id": content_id(f"asked for {next(_numbers)}")}


def _one() -> Ask:
    return Ask(POST, body=_wish())


def _timed(work: Callable[[], Mapping[str, Any]]) -> float:
    start_s = time.process_time()
    answer = work()
    took_s = time.process_time() - start_s
    assert answer.get("statusCode", 200) < 400, answer
    return took_s


@contextmanager
def _answered() -> Iterator[tuple[Door, Any]]:
    """The functions with the real adapters, and their client, against a server that only answers."""
    with (
        null.running(_answers()) as url,
        environment(_variables(url)),
        redirect_stdout(StringIO()),
        opened(bell=MemoryBell(VirtualClock(), Calls())) as door,
    ):
        yield door, adapters.aws().dynamodb


def _variables(url: str) -> Mapping[str, str]:
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "PROVIDER_URL": "http://127.0.0.1:9",
        "LOG_LEVEL": "INFO",
        **{f"{each.upper()}_TABLE": f"null-{each}" for each in TABLES},
    }


def _answers() -> dict[str, object]:
    """A control item whose permits are held and whose lane is known to wait; otherwise nothing is there."""
    permit = permit_value(Permit(datetime.now(UTC) + timedelta(days=1), 1, 0))
    permits = {root_id(number): permit for number in (1, 2, 3)}
    hungry = [root_id(4 + number) for number in range(HUNGRY)]
    control = {**CONTROL, PERMITS: {"M": permits}, hungry_in(Lane.NORMAL): {"SS": hungry}}
    return {
        f"GetItem {_variables('')['QUEUE_TABLE']}": {"Item": control},
        "BatchGetItem": {"Responses": {}, "UnprocessedKeys": {}},
        "Query": {"Items": [], "Count": 0, "ScannedCount": 0},
    }
