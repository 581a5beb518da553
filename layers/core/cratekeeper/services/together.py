"""One action on many downloads: each succeeds or is refused by itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from cratekeeper.domain.access import Caller, Permission
from cratekeeper.domain.actions import Action
from cratekeeper.domain.errors import CratekeeperError, Forbidden
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import Download
from cratekeeper.services.steer import Steer


class Steered(NamedTuple):
    """An id with the download after the action, or with why it was refused."""

    id: str
    item: Download | None = None
    error: CratekeeperError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Steers one after the other."""

    steer: Steer

    def act(
        self, download_ids: Iterable[str], action: Action, *, caller: Caller, lane: Lane | None = None
    ) -> list[Steered]:
        """What became of each, every id once, in order. Raises Forbidden before anything is changed."""
        if lane is Lane.HIGH and not caller.may(Permission.EDIT_CATALOG):
            raise Forbidden("priority 1 needs the permission edit_catalog")
        return [self._one(each, action, caller, lane) for each in dict.fromkeys(download_ids)]

    def _one(self, download_id: str, action: Action, caller: Caller, lane: Lane | None) -> Steered:
        try:
            return Steered(download_id, self.steer.act(download_id, action, caller=caller, lane=lane))
        except CratekeeperError as error:
            return Steered(download_id, error=error)
