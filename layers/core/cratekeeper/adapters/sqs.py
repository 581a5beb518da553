"""The lane queues: a message holds only an id."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from cratekeeper.adapters.aws import code_of, outages
from cratekeeper.domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_sqs import SQSClient

    from cratekeeper.domain.lanes import Lane

BATCH: Final = 10
"""Messages in one call, by the service's limit."""

LONGEST_DELAY_S: Final = 900
LONGEST_HIDING_S: Final = 43_200
"""The service's limits, checked here because an emulator may not."""

_GONE: Final = frozenset({
    "AWS.SimpleQueueService.MessageNotInflight",
    "InvalidParameterValue",
    "MessageNotInflight",
    "ReceiptHandleIsInvalid",
})
"""The message was deleted, or may be received by others already: there is nothing left to hide."""


class SqsBell:
    """The port `Bell` on SQS.

    Args:
        client: SQS.
        queue_urls: the queue of each lane.

    """

    def __init__(self, client: SQSClient, queue_urls: Mapping[Lane, str]) -> None:
        self._client = client
        self._queue_urls = queue_urls

    def ring(self, lane: Lane, download_ids: Sequence[str], *, delay_s: int = 0) -> None:
        """One call for each ten ids; Unavailable if any was not taken."""
        if not 0 <= delay_s <= LONGEST_DELAY_S:
            raise ValueError(f"a message cannot be delayed for {delay_s} s")
        for start in range(0, len(download_ids), BATCH):
            self._send(lane, download_ids[start : start + BATCH], delay_s)

    def _send(self, lane: Lane, download_ids: Sequence[str], delay_s: int) -> None:
        entries: Any = [
            {"Id": str(number), "MessageBody": json.dumps({"id": download_id}), "DelaySeconds": delay_s}
            for number, download_id in enumerate(download_ids)
        ]
        with outages():
            answer = self._client.send_message_batch(QueueUrl=self._queue_urls[lane], Entries=entries)
        if answer.get("Failed"):
            raise Unavailable(f"{len(answer['Failed'])} of {len(entries)} messages were not taken")

    def postpone(self, receipt: str, lane: Lane, *, seconds: int) -> None:
        """One ChangeMessageVisibility; a message that is gone stays gone."""
        if not 0 <= seconds <= LONGEST_HIDING_S:
            raise ValueError(f"a message cannot be hidden for {seconds} s")
        try:
            with outages():
                self._client.change_message_visibility(
                    QueueUrl=self._queue_urls[lane], ReceiptHandle=receipt, VisibilityTimeout=seconds
                )
        except ClientError as error:
            if code_of(error) not in _GONE:
                raise
