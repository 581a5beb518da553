"""Users, keys and the audit history, for operators."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from cratekeeper import bootstrap
from cratekeeper.bootstrap import adapters
from cratekeeper.bootstrap.adapters import clock, log, settings

if TYPE_CHECKING:
    from cratekeeper.services.audit import Audit
    from cratekeeper.services.users import Users


@cache
def audit() -> Audit:
    """Searches of the history."""
    from cratekeeper.services.audit import Audit

    days = settings().audit_retention_days
    return Audit(history=adapters.history(), store=adapters.store(), clock=clock(), retention_days=days)


@cache
def users() -> Users:
    """Users and keys."""
    from cratekeeper.services.users import Users

    return Users(identities=adapters.identities(), identity=bootstrap.identity(), clock=clock(), log=log())
