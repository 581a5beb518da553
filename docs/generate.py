"""Writes the documents that are made from the code: `make docs`. A fact test fails when one is out of date.

`python -m docs.generate --release` also makes the present OpenAPI document the one that later changes must not break.
"""

import json
import sys
from pathlib import Path
from typing import Final

from cratekeeper.domain.states import TERMINAL, diagram
from cratekeeper_cli.main import build
from cratekeeper_cli.manual import page
from docs import schemas
from docs.openapi.document import document
from docs.settings import settings

ROOT: Final = Path(__file__).resolve().parents[1]
OPENAPI: Final = "docs/openapi.json"
BASELINE: Final = "docs/openapi.baseline.json"


def states() -> str:
    """The states of a download and the moves between them."""
    ended = ", ".join(sorted(TERMINAL))
    return (
        "# States of a download\n"
        "\n"
        "Made by `make docs` from the table of moves (`layers/core/cratekeeper/domain/states.py`).\n"
        f"What the table does not allow is refused: 409 `invalid_state`. {ended} are left only by an explicit retry,\n"
        "of the download itself (`retry`) or of one of an album's children (`reopen`).\n"
        "\n"
        "```mermaid\n"
        f"{diagram()}"
        "```\n"
    )


def documents() -> dict[str, str]:
    """The text of every generated document, by its path in the repository."""
    openapi = document()
    return {
        "docs/states.md": states(),
        **schemas.documents(),
        "docs/cli.md": page(build()),
        "docs/settings.md": settings(ROOT / "template.yaml"),
        # One to read and compare, one to send: it stands beside the code, so that a start makes nothing.
        OPENAPI: json.dumps(openapi, indent=1, ensure_ascii=False) + "\n",
        "layers/core/cratekeeper/api/openapi.json": json.dumps(openapi, separators=(",", ":"), ensure_ascii=False)
        + "\n",
    }


def main(*words: str) -> None:
    """Write all of them, and with `--release` the baseline."""
    made = documents()
    if "--release" in words:
        made[BASELINE] = made[OPENAPI]
    for path, text in made.items():
        (ROOT / path).write_text(text, "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
