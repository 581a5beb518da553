"""Events of schedules, hooks and operators, as orders to run jobs."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from cratekeeper.domain.errors import Invalid
from cratekeeper.domain.jobs import JOBS, Hook
from cratekeeper.services.runner import Order

HOOKS: Final[Mapping[str, Hook]] = MappingProxyType({
    "CloudFormation Stack Status Change": Hook.ON_STARTUP,
    "CatalogChanged": Hook.ON_CATALOG_CHANGE,
    "UserCreated": Hook.ON_USER_CREATED,
    "DownloadCompleted": Hook.ON_DOWNLOAD_COMPLETE,
    "AlbumCompleted": Hook.ON_DOWNLOAD_COMPLETE,
})
"""Which hook an event's `detail-type` is."""


def order_of(event: Mapping[str, Any]) -> Order:
    """The order in an event.

    `{"job": id}` from a schedule, `{"job": id, "run_id": id}` from a starter, an event of a bus by its
    `detail-type`, or `{"action": "stopped"}` after the machine itself has stopped. Raises Invalid.
    """
    if event.get("action") == "stopped":
        return Order(all_have_stopped=True)
    hook = HOOKS.get(str(event.get("detail-type")))
    if hook:
        return Order(hook=hook)
    job_id, run_id = event.get("job"), event.get("run_id")
    if not isinstance(job_id, str) or job_id not in JOBS or not isinstance(run_id, str | None):
        raise Invalid("no order: a job of the registry, and perhaps a run_id, are needed")
    return Order(job_id=job_id, run_id=run_id)
