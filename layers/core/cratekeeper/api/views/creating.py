"""Asking for media: one download, a batch, a discography."""

from cratekeeper.api.bodies import BatchOut, CreateBatch, CreateDiscography, DiscographyQueuedOut
from cratekeeper.api.edge import Answer
from cratekeeper.api.once import Created, key_of, once
from cratekeeper.api.request import Request
from cratekeeper.api.schemas import CreateDownload, DownloadOut
from cratekeeper.domain.ids import Seed
from cratekeeper.services.batches import Batches
from cratekeeper.services.discovery import Discovery
from cratekeeper.services.idempotency import Idempotency
from cratekeeper.services.queries import Queries
from cratekeeper.services.requests import Requests


def one(request: Request, requests: Requests, queries: Queries, idempotency: Idempotency) -> Answer:
    """`POST /v1/downloads`."""
    wanted, key = request.body(CreateDownload).wanted(), key_of(request)
    requests.admit(wanted, caller=request.who)

    def create(seed: Seed) -> Created:
        item = requests.create(wanted, caller=request.who, seed=seed)
        return Created(DownloadOut.of(queries.view(item)), f"/v1/downloads/{item.id}")

    return once(request, idempotency, create, key=key)


def batch(request: Request, batches: Batches, idempotency: Idempotency) -> Answer:
    """`POST /v1/downloads/batch`."""
    wanted, key = request.body(CreateBatch).wanted(), key_of(request)
    batches.requests.admit(*wanted, caller=request.who)

    def create(seed: Seed) -> Created:
        outcomes = batches.create(wanted, caller=request.who, seed=seed)
        return Created(BatchOut.of(outcomes))

    return once(request, idempotency, create, key=key)


def discography(request: Request, discovery: Discovery, idempotency: Idempotency) -> Answer:
    """`POST /v1/downloads/discography`."""
    wanted, key = request.body(CreateDiscography), key_of(request)
    discovery.admit()

    def create(seed: Seed) -> Created:
        requested = discovery.request(wanted.artist_id, artist_name=wanted.artist_name, caller=request.who, seed=seed)
        return Created(DiscographyQueuedOut.of(requested))

    return once(request, idempotency, create, key=key)
