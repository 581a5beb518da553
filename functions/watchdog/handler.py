"""The watchdog: by its schedule, or asked to begin or go on with a run, it compares the catalog with the bucket."""

from typing import Any

from cratekeeper import bootstrap
from cratekeeper.api.invocation import Context, remaining
from cratekeeper.api.jobs import runs_told
from cratekeeper.api.orders import order_of
from cratekeeper.bootstrap import upkeep


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Lambda's entry: `{"job": "integrity_watchdog"}`, with `run_id` if the run is known."""
    deadline = bootstrap.clock().now() + remaining(context) - upkeep.HANDOVER
    done = runs_told(upkeep.watchdog_runner().run(order_of(event), deadline=deadline))
    bootstrap.log().info("jobs", **done)
    return done
