"""All background jobs but the watchdog's: by their schedules, by hooks, or asked to begin or go on with a run."""

from datetime import timedelta
from typing import Any

from cratekeeper import bootstrap
from cratekeeper.api.jobs import runs_told
from cratekeeper.api.orders import order_of
from cratekeeper.bootstrap import upkeep


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no type
    """Lambda's entry: `{"job": id}`, with `run_id` if the run is known; or a hook's event of a bus."""
    left = timedelta(milliseconds=context.get_remaining_time_in_millis())
    deadline = bootstrap.clock().now() + left - upkeep.HANDOVER
    done = runs_told(upkeep.job_runner().run(order_of(event), deadline=deadline))
    bootstrap.log().info("jobs", **done)
    return done
