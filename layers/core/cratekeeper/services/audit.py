"""The audit history, as operators read it."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from cratekeeper.domain.audit import AuditPage, AuditSearch
from cratekeeper.domain.errors import NotFound
from cratekeeper.domain.ids import is_download_id, key_of
from cratekeeper.ports import Clock, DownloadStore, HistoryStore

AHEAD: Final = timedelta(days=1)
"""Clocks differ: what others wrote a moment ago may bear a later time than ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Searches the history.

    Args:
        retention_days: what is older is not shown, although it may still be stored; None = all is shown.
    """

    history: HistoryStore
    store: DownloadStore
    clock: Clock
    retention_days: int | None

    def page(self, search: AuditSearch, *, after: str | None, limit: int) -> AuditPage:
        """Entries of everybody; `until` may be as late as one likes."""
        now = self.clock.now()
        wanted = replace(search, until=min(search.until, now + AHEAD))
        if self.retention_days is not None:
            oldest = now - timedelta(days=self.retention_days)
            wanted = replace(wanted, since=max(wanted.since or oldest, oldest))
        return self.history.audit(wanted, after=after, limit=limit)

    def of_download(self, search: AuditSearch, *, after: str | None, limit: int) -> AuditPage:
        """Entries of one download, which outlive it. Raises NotFound if there never was one that anybody knows of."""
        download_id = search.download_id or ""
        if not is_download_id(download_id):
            raise NotFound("no such download")
        found = self.page(search, after=after, limit=limit)
        if not found.entries and not self.store.get(key_of(download_id)):
            raise NotFound("no such download")
        return found
