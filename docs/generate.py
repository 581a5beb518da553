"""Writes the documents that are made from the code: `make docs`. A fact test fails when one is out of date."""  # noqa: INP001 - a script, no package

from pathlib import Path

from cratekeeper.domain.states import TERMINAL, diagram

FOLDER = Path(__file__).resolve().parent


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
    """The text of every generated document, by its name in this folder."""
    return {"states.md": states()}


def main() -> None:
    """Write all of them."""
    for name, text in documents().items():
        (FOLDER / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
