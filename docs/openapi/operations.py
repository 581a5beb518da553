"""All operations, by route key, in the order in which they are shown."""

from collections.abc import Mapping
from typing import Final

from docs.openapi import downloads, jobs, library, many, operating, people, steering, system
from docs.openapi.operation import Operation

OPERATIONS: Final[Mapping[str, Operation]] = {
    **downloads.OPERATIONS,
    **many.OPERATIONS,
    **steering.OPERATIONS,
    **library.OPERATIONS,
    **operating.OPERATIONS,
    **jobs.OPERATIONS,
    **people.OPERATIONS,
    **system.OPERATIONS,
}
