"""What the worker is invoked with: SQS batches, to which it answers in part, or one download by name."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from cratekeeper.domain.ids import is_download_id
from cratekeeper.domain.lanes import Lane
from cratekeeper.services.deliver import Message


def messages(event: Mapping[str, Any], lanes: Mapping[str, Lane]) -> list[tuple[str, Message]]:
    """The messages of a batch with their ids.

    Args:
        event: as Lambda's poller sends it.
        lanes: the lane of each queue by its name, the last part of its ARN; a recorded event may name another.
    """
    return [
        (
            record["messageId"],
            Message(
                receipt=record["receiptHandle"],
                lane=lanes.get(record["eventSourceARN"].rpartition(":")[2], Lane.NORMAL),
                download_id=_id_in(record.get("body", "")),
            ),
        )
        for record in event.get("Records", [])
    ]


def failures(message_ids: Iterable[str]) -> dict[str, Any]:
    """The answer that sends exactly these messages back (ReportBatchItemFailures)."""
    return {"batchItemFailures": [{"itemIdentifier": each} for each in message_ids]}


def named(event: Mapping[str, Any]) -> str | None:
    """The download that the admin function asks for; None for a batch. Raises ValueError for anything else."""
    if "Records" in event:
        return None
    download_id = event.get("id")
    if event.get("action") != "process" or not isinstance(download_id, str) or not is_download_id(download_id):
        raise ValueError("neither a batch of messages nor a download to process")
    return download_id


def _id_in(body: str) -> str | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    download_id = found.get("id") if isinstance(found, dict) else None
    return download_id if isinstance(download_id, str) and is_download_id(download_id) else None
