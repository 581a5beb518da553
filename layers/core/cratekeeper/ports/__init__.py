"""The ports: everything that services need of the world, each with a promise that its adapters keep.

One conformance suite per port (`tests/contract`) runs on the adapters in memory and on the real ones.
Unless it says otherwise every method may raise `errors.Unavailable`: nothing is known of what was
written then, and the caller may repeat the call.
"""

from cratekeeper.ports.content import Body, CatalogStore, MediaStore, ObjectInfo, Part, Provider
from cratekeeper.ports.library import Library, Plays
from cratekeeper.ports.queue import Bell, Briefing, DownloadStore, Page, Permits, WaitingEntry, Worker
from cratekeeper.ports.records import EventBus, HistoryStore, IdempotencyRecords, Identities, Sealed
from cratekeeper.ports.system import Clock, Dice, Ids, Log, Metrics, Pulse, Secrets, Sleeper, Tokens

__all__ = [
    "Bell",
    "Body",
    "Briefing",
    "CatalogStore",
    "Clock",
    "Dice",
    "DownloadStore",
    "EventBus",
    "HistoryStore",
    "IdempotencyRecords",
    "Identities",
    "Ids",
    "Library",
    "Log",
    "MediaStore",
    "Metrics",
    "ObjectInfo",
    "Page",
    "Part",
    "Permits",
    "Plays",
    "Provider",
    "Pulse",
    "Sealed",
    "Secrets",
    "Sleeper",
    "Tokens",
    "WaitingEntry",
    "Worker",
]
