"""The worker: a message holds an id, and the download it names is claimed, fetched and finished."""

from typing import Any

from cratekeeper import bootstrap
from cratekeeper.api.invocation import Context, remaining
from cratekeeper.api.records import failures, messages, named


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Lambda's entry: an SQS batch; answers with exactly the messages that are to come back.

    Or `{"action": "process", "id": …}` from the admin function, for that one download.
    """
    deadline = bootstrap.clock().now() + remaining(context)
    wanted = named(event)
    if wanted:
        taken = bootstrap.process().alone(wanted, deadline=deadline)
        bootstrap.log().info("processed", download_id=wanted, taken=taken)
        return {"taken": taken}
    deliver = bootstrap.deliver()
    batch = messages(event, bootstrap.lanes_by_queue())
    return failures([message_id for message_id, message in batch if not deliver.run(message, deadline=deadline)])
