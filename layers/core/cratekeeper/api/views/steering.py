"""Acting on downloads: one, or many at once."""

from cratekeeper.api.bodies import ActOnMany, ExplainOut, ManySteeredOut, SetPriority
from cratekeeper.api.edge import Answer
from cratekeeper.api.request import Request
from cratekeeper.api.schemas import DownloadOut
from cratekeeper.domain.actions import Action
from cratekeeper.domain.lanes import Lane
from cratekeeper.services.explain import Explain
from cratekeeper.services.queries import Queries
from cratekeeper.services.steer import Steer
from cratekeeper.services.together import Together


def act(request: Request, action: Action, steer: Steer, queries: Queries) -> Answer:
    """`POST /v1/downloads/{id}/cancel`, `/pause`, `/resume`, `/retry`, `/priority`."""
    lane = Lane(request.body(SetPriority).priority) if action is Action.PRIORITY else None
    item = steer.act(request.path["id"], action, caller=request.who, lane=lane)
    return Answer(body=DownloadOut.of(queries.view(item)))


def act_on_many(request: Request, together: Together) -> Answer:
    """`POST /v1/downloads/batch-action`."""
    wanted = request.body(ActOnMany)
    return Answer(body=ManySteeredOut.of(together.act(wanted.ids, wanted.action, caller=request.who, lane=wanted.lane)))


def explain(request: Request, explains: Explain) -> Answer:
    """`GET /v1/downloads/{id}/explain`."""
    return Answer(body=ExplainOut.of(explains.run(request.path["id"], caller=request.who)))
