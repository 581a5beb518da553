"""The dispatcher: every minute, whatever was lost, is due, or may run again."""

from dataclasses import asdict
from typing import Any

from cratekeeper import bootstrap


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda's entry: a scheduled event, whose content does not matter."""
    del event, context
    done = asdict(bootstrap.dispatch().tick())
    bootstrap.gauges().run(is_idle=not any(done.values()))
    bootstrap.log().info("tick", **done)
    return done
