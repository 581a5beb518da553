"""The watchdog: by its schedule, or asked to begin or go on with a run, it compares the catalog with the bucket."""

from datetime import timedelta
from typing import Any

from cratekeeper import bootstrap
from cratekeeper.api.jobs import runs_told
from cratekeeper.api.orders import order_of
from cratekeeper.bootstrap import upkeep


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no type
    """Lambda's entry: `{"job": "integrity_watchdog"}`, with `run_id` if the run is known."""
    left = timedelta(milliseconds=context.get_remaining_time_in_millis())
    deadline = bootstrap.clock().now() + left - upkeep.HANDOVER
    done = runs_told(upkeep.watchdog_runner().run(order_of(event), deadline=deadline))
    bootstrap.log().info("jobs", **done)
    return done
