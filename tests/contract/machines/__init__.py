"""Four state machines (`MACHINES`), each with a plain model of what it drives."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from tests.contract.machines.creation import Creation
from tests.contract.machines.permits import PermitsAndLanes
from tests.contract.machines.retries import Retries
from tests.contract.machines.sides import Compared, Side
from tests.contract.machines.steered import SteeredDownloads

MACHINES: Final[Mapping[str, Callable[[Sequence[Side]], Compared]]] = MappingProxyType({
    "downloads": SteeredDownloads,
    "permits and lanes": PermitsAndLanes,
    "creation and limits": Creation,
    "retries": Retries,
})
