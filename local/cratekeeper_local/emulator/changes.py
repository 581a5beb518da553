"""Which requests can change what the emulator remembers."""

import re
from collections.abc import Mapping
from typing import Final

from cratekeeper_local.emulator.internals import Internals

_HARMLESS_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# Actions of the JSON protocols that read, or whose effect is not worth a save.
_HARMLESS_ACTIONS: Final = re.compile(
    r"(BatchGet|Describe|Get|List|Query|Scan|Select|Test|TransactGet)"
    r"|(CreateLogStream|PutEvents|PutLogEvents|PutMetricData)$"
)
# An invocation changes nothing by itself: what the function does arrives as requests of its own.
_HARMLESS_PATHS: Final = re.compile(
    r"/_|/2015-03-31/functions/[^/]+/invocations$|/service/GraniteServiceVersion20100801/"
)


def may_change(method: str, path: str, headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request may leave a trace that a restart must find. Header names are in lower case."""
    if method in _HARMLESS_METHODS or _HARMLESS_PATHS.match(path):
        return False
    action = headers.get(b"x-amz-target", b"").decode("latin-1").rpartition(".")[2]
    return not (action and _HARMLESS_ACTIONS.match(action))


def inner_marks(emulator: Internals) -> tuple[tuple[str, int], ...]:
    """What the emulator changes on its own, in brief: stream positions and queue lengths."""
    positions = [(mapping, position) for (*_, mapping), position in emulator.read_positions.all_items()]
    lengths = [(url, len(queue["messages"])) for (*_, url), queue in emulator.queues.all_items()]
    return tuple(sorted(positions + lengths))
