"""Call sites: every place in the services where a port is called, read from their source."""

import ast
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Final

import cratekeeper.services
from cratekeeper import ports

FAULTED: Final = MappingProxyType({
    "store": ports.DownloadStore,
    "permits": ports.Permits,
    "bell": ports.Bell,
    "catalog": ports.CatalogStore,
    "media": ports.MediaStore,
    "provider": ports.Provider,
    "history": ports.HistoryStore,
    "bus": ports.EventBus,
})
"""Ports whose calls can fail; time, names and dice cannot."""

NOT_SIMULATED: Final = (
    "activity.",
    "audit.",
    "availability.",
    "control.WorkNow",
    "counting.Counting",
    "discovery.",
    "explain.",
    "gauges.",
    "idempotency.",
    "identity.",
    "links.",
    "overview.",
    "queries.",
    "requeue.",
    "together.",
)
"""Services that only read, or that the simulated processes do not use."""


def all_sites() -> frozenset[str]:
    """Every `module.Class.function:port.method` of the simulated services."""
    [folder] = cratekeeper.services.__path__
    found = (site for path in sorted(Path(folder).glob("*.py")) for site in _sites_of(path))
    return frozenset(site for site in found if not site.startswith(NOT_SIMULATED))


def _sites_of(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    for owner in tree.body:
        if isinstance(owner, ast.ClassDef):
            for function in owner.body:
                if isinstance(function, ast.FunctionDef):
                    yield from (f"{path.stem}.{owner.name}.{function.name}:{call}" for call in _calls(function))
        elif isinstance(owner, ast.FunctionDef):
            yield from (f"{path.stem}.{owner.name}:{call}" for call in _calls(owner))


def _calls(function: ast.FunctionDef) -> Iterator[str]:
    """`port.method` of each call of the form `….port.method(…)`."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            method, owner = node.func.attr, node.func.value
            port = owner.attr if isinstance(owner, ast.Attribute) else ""
            # `control.permits.get` is a dictionary's: only the port's own methods count.
            if method in vars(FAULTED.get(port, object)) and not method.startswith("_"):
                yield f"{port}.{method}"
