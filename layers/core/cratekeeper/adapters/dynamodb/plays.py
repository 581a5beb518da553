"""The table of plays.

    P#{day}#{shard}  {id}  one play; its partition is drawn from the id's last, random, character
    CHART            M     the chart

Plays are rows of their own and no counters: a repeated put is the same row (`design.md`, idempotent sets).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from cratekeeper.adapters.aws import outages
from cratekeeper.adapters.dynamodb.attributes import attribute, milliseconds, moment_of, plain
from cratekeeper.adapters.dynamodb.keys import primary
from cratekeeper.adapters.dynamodb.reader import Reader
from cratekeeper.domain.ids import SHARDS, shard_of
from cratekeeper.domain.limits import day_of
from cratekeeper.domain.popularity import LONGEST_DAYS, Chart, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

    from cratekeeper.adapters.dynamodb.attributes import Item
    from cratekeeper.adapters.dynamodb.patience import Patience
    from cratekeeper.domain.popularity import Play

_KEPT: Final = timedelta(days=LONGEST_DAYS + 1)
_CHART: Final = primary("CHART", "M")


class DynamoPlays:
    """The port `Plays` on DynamoDB.

    Args:
        client: DynamoDB.
        table: name of the table of plays.
        patience: for half-done batches.

    """

    def __init__(self, client: DynamoDBClient, table: str, *, patience: Patience) -> None:
        self._client = client
        self._table = table
        self._reader = Reader(client, table, patience)

    def log(self, play: Play) -> None:
        """One PutItem."""
        key = primary(_partition(day_of(play.at), shard_of(play.id)), play.id)
        ends = milliseconds(play.at + _KEPT) // 1000
        self._put({**key, "t": attribute(play.track_id), "ttl": attribute(ends)})

    def of_day(self, day: str) -> Iterator[str]:
        """One Query and more for each shard; a page is 1 MB, some 10,000 plays."""
        for shard in range(SHARDS):
            found = self._reader.query({
                "KeyConditionExpression": "pk = :pk",
                "ExpressionAttributeValues": {":pk": attribute(_partition(day, shard))},
                "ProjectionExpression": "t",
            })
            yield from (item["t"]["S"] for item in found)

    def publish(self, chart: Chart) -> None:
        """One PutItem."""
        places = [{"t": place.track_id, "n": place.plays} for place in chart.places]
        values = {"at": milliseconds(chart.at), "d": chart.days, "p": places}
        self._put({**_CHART, **{name: attribute(value) for name, value in values.items()}})

    def chart(self) -> Chart | None:
        """One GetItem."""
        item = self._reader.get(_CHART)
        if item is None:
            return None
        found: dict[str, Any] = plain(item)
        places = tuple(Place(each["t"], each["n"]) for each in found["p"])
        return Chart(at=moment_of(found["at"]), days=found["d"], places=places)

    def _put(self, item: Item) -> None:
        with outages():
            self._client.put_item(TableName=self._table, Item=item)


def _partition(day: str, shard: int) -> str:
    return f"P#{day}#{shard}"
