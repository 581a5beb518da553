"""The meter: sees every call of the SDK's clients by botocore's events, and prices it.

`provide-client-params` brings the parameters, `before-send` each attempt on the wire, `after-call`
the answer. A presigned link is a request of its own: the adapter sends each one once, and the event
of its making tells which it is. One metered call at a time passes, so that what stood in the table
before and after it is known exactly, whatever threads do.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from threading import RLock, current_thread, local
from typing import Any, Final

from mypy_boto3_dynamodb import DynamoDBClient

from tests.bench.rules import Units, event_units, object_units, queue_requests
from tests.bench.tables import Images, Seen, Tables, Target

_STASH: Final = "bench.call"
_TIME_BYTES: Final = 14
"""What the time of a bus event counts for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call as billed.

    `attempts` are requests on the wire. `keys` are the partition and sort keys of the items named.
    `reported` are the write and read units that the other side says it took (None = it does not say).
    """

    phase: str
    service: str
    operation: str
    units: Units
    params: Mapping[str, Any]
    attempts: int = 1
    keys: tuple[str, ...] = ()
    is_refused: bool = False
    thread: str = ""
    reported: float | None = None


@dataclass(slots=True)
class _Open:
    """A call between its parameters and its answer."""

    phase: str
    params: dict[str, Any]
    targets: list[Target] = field(default_factory=list)
    before: Images = field(default_factory=list)
    attempts: int = 0
    is_locked: bool = False


class Meter:
    """Keeps every call of the clients it watches.

    Args:
        peek: a client that is not watched, for the meter's own looks at the tables.

    """

    def __init__(self, peek: DynamoDBClient) -> None:
        self.calls: list[Call] = []
        self._tables = Tables(peek)
        self._lock = RLock()
        self._threads = local()
        self._tokens: set[str] = set()
        self._phase = ""

    def watch(self, *clients: Any, phase: str | None = None) -> None:
        """Have the calls of boto3 clients pass the meter from now on; `phase` overrides that of the time."""
        for client in clients:
            client.meta.events.register("provide-client-params.*", partial(self._given, phase))
            client.meta.events.register("before-call.*", self._begin)
            client.meta.events.register("before-send.*", self._sent)
            client.meta.events.register("after-call.*", self._end)
            client.meta.events.register("after-call-error.*", self._broken)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Calls meanwhile carry this name."""
        before, self._phase = self._phase, name
        try:
            yield
        finally:
            self._phase = before

    @contextmanager
    def measuring(self, phase: str = "") -> Iterator[list[Call]]:
        """The calls made meanwhile."""
        found: list[Call] = []
        start = len(self.calls)
        with self.phase(phase or self._phase):
            yield found
        found += self.calls[start:]

    def _given(
        self, phase: str | None, params: dict[str, Any], model: Any, context: Any, **_: Any
    ) -> dict[str, Any] | None:
        """A call's parameters; DynamoDB is asked what it would bill, as a second opinion."""
        service = _service(model)
        phase = self._phase if phase is None else phase
        if (context or {}).get("is_presign_request"):
            units = object_units(model.name)
            self._keep(Call(phase=phase, service=service, operation=model.name, units=units, params=dict(params)))
            return None
        context[_STASH] = _Open(phase, dict(params))
        return {**params, "ReturnConsumedCapacity": "INDEXES"} if service == "dynamodb" else None

    def _begin(self, model: Any, context: dict[str, Any], **_: Any) -> None:
        call: _Open = context[_STASH]
        self._lock.acquire()
        call.is_locked = True
        self._threads.call = call
        if _service(model) == "dynamodb":
            call.targets = self._tables.targets(model.name, call.params)
            call.before = self._tables.images(call.targets)

    def _sent(self, **_: Any) -> None:
        self._threads.call.attempts += 1

    def _end(self, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        call: _Open = context[_STASH]
        try:
            self._keep(self._billed(call, parsed, model))
        finally:
            self._release(call)

    def _broken(self, context: dict[str, Any], **_: Any) -> None:
        """No answer at all: nothing is known of a bill."""
        self._release(context[_STASH])

    def _release(self, call: _Open) -> None:
        if call.is_locked:
            call.is_locked = False
            self._lock.release()

    def _keep(self, call: Call) -> None:
        with self._lock:
            self.calls.append(call)

    def _billed(self, call: _Open, parsed: dict[str, Any], model: Any) -> Call:
        service = _service(model)
        price = self._in_tables if service == "dynamodb" else _ELSEWHERE.get(service, _uncharged)
        return Call(
            phase=call.phase,
            service=service,
            operation=model.name,
            units=price(model.name, call, parsed),
            params=call.params,
            attempts=call.attempts,
            keys=tuple(_key_text(target) for target in call.targets),
            is_refused="Error" in parsed,
            thread=current_thread().name,
            reported=_reported(parsed),
        )

    def _in_tables(self, operation: str, call: _Open, parsed: dict[str, Any]) -> Units:
        token = call.params.get("ClientRequestToken", "")
        seen = Seen(
            targets=call.targets,
            before=call.before,
            after=self._tables.images(call.targets),
            answer=parsed,
            is_refused="Error" in parsed,
            is_repeat=token in self._tokens,
        )
        if token and not seen.is_refused:
            self._tokens.add(token)
        return self._tables.price(operation, call.params, seen)


def _service(model: Any) -> str:
    return str(model.service_model.service_name)


def _key_text(target: Target) -> str:
    return "/".join(str(value) for part in target.key.values() for value in part.values())


def _reported(parsed: Mapping[str, Any]) -> float | None:
    found = parsed.get("ConsumedCapacity")
    if not found:
        return None
    return float(sum(each["CapacityUnits"] for each in (found if isinstance(found, list) else [found])))


def _of_queue(operation: str, call: _Open, parsed: dict[str, Any]) -> Units:
    del operation
    bodies = [*call.params.get("Entries", ()), *parsed.get("Messages", ()), call.params]
    texts = [each.get("MessageBody", each.get("Body", "")) for each in bodies]
    return Units(queue_requests=queue_requests(sum(len(text.encode()) for text in texts)))


def _of_bus(operation: str, call: _Open, parsed: dict[str, Any]) -> Units:
    del operation, parsed
    sizes = (
        sum(len(str(entry.get(part, "")).encode()) for part in ("Source", "DetailType", "Detail"))
        + (_TIME_BYTES if "Time" in entry else 0)
        for entry in call.params["Entries"]
    )
    return Units(events=event_units(sizes))


def _of_objects(operation: str, call: _Open, parsed: dict[str, Any]) -> Units:
    del call, parsed
    return object_units(operation)


def _uncharged(operation: str, call: _Open, parsed: dict[str, Any]) -> Units:
    del call, parsed
    raise KeyError(operation)


_ELSEWHERE: Final[Mapping[str, Callable[[str, _Open, dict[str, Any]], Units]]] = {
    "sqs": _of_queue,
    "events": _of_bus,
    "s3": _of_objects,
    "secretsmanager": lambda *_: Units(),
}


def total(calls: list[Call]) -> Units:
    """The sum of their bills."""
    return sum((call.units for call in calls), Units())
