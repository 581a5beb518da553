"""Administration. So far the first keys: an event invoked with IAM, never a route."""

from typing import Any

from cratekeeper import bootstrap
from cratekeeper.api.actions import CreateKey


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda's entry: `{"action": "create_key", "user_id": …, "role": user|viewer|admin}`."""
    del context
    wanted = CreateKey.of(event)
    made = bootstrap.identity().create_key(wanted.user_id, wanted.role)
    bootstrap.log().info("key_created", user_id=made.user_id, key_id=made.key_id)
    return made._asdict()
