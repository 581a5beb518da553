"""The projector: the queue table's stream becomes history and domain events."""

from typing import Any

from cratekeeper import bootstrap


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda's entry: a batch of stream records, or `{"action": "reconcile"}` after an outage."""
    del context
    if event.get("action") == "reconcile":
        done = bootstrap.reconcile().run()
    else:
        done = bootstrap.project().run(bootstrap.changes(event))
    bootstrap.log().info("projected", entries=done)
    return {"entries": done}
