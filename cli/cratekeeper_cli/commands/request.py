"""`request album` and `request track`: ask for content."""

from dataclasses import dataclass
from typing import Annotated

import typer

from cratekeeper_cli import rendering
from cratekeeper_cli.answers import Download
from cratekeeper_cli.arguments import checked_id
from cratekeeper_cli.exits import Exit
from cratekeeper_cli.follow import follow
from cratekeeper_cli.tree import Run, Tree


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """What can be said about a wanted album or track."""

    content_id: Annotated[str, typer.Argument(metavar="ID", help="Content id: 22 letters and digits.")]
    name: Annotated[str | None, typer.Option(help="Its name, to be shown until the catalog knows it.")] = None
    artist: Annotated[str | None, typer.Option(help="The artist's name, likewise.")] = None
    priority: Annotated[
        int | None,
        typer.Option(min=1, max=3, help="2 normal, 3 low; 1 (high) only for editors."),
    ] = None
    force: Annotated[bool, typer.Option("--force", help="Fetch it again although the catalog has it.")] = False
    wait: Annotated[
        bool,
        typer.Option("--wait", "--watch", help="Show the progress until it is over."),
    ] = False


def add_to(tree: Tree) -> None:
    """Add the commands of this module."""
    tree.group(
        "request",
        help_text="Ask for content to be downloaded.",
    )
    tree.command(
        "request album",
        request_album,
        examples=[
            "cratekeeper request album 4u7EnebtmKWzUH433cf5Qv",
            "cratekeeper request album 4u7EnebtmKWzUH433cf5Qv --wait",
            'cratekeeper request album 4u7EnebtmKWzUH433cf5Qv --name "A Night" --priority 3',
        ],
    )
    tree.command(
        "request track",
        request_track,
        examples=[
            "cratekeeper request track 7tFiyTwD0nx5a1eklYtX2J --wait",
            "cratekeeper request track 7tFiyTwD0nx5a1eklYtX2J --force --json",
        ],
    )


def request_album(run: Run, options: RequestOptions) -> Exit:
    """Ask for an album with all of its tracks and pictures.

    Exit codes with --wait: 0 COMPLETED, 1 FAILED, 8 CANCELLED or parts missing.
    """
    return _request(run, "album", options)


def request_track(run: Run, options: RequestOptions) -> Exit:
    """Ask for a single track.

    Exit codes with --wait: 0 COMPLETED, 1 FAILED, 8 CANCELLED.
    """
    return _request(run, "track", options)


def _request(run: Run, kind: str, options: RequestOptions) -> Exit:
    with run.api() as api:
        created = api.post("/v1/downloads", _body(kind, options))
        download = Download.of(created)
        if options.wait:
            run.out.note(f"queued as {download.id}")
            return follow(run, api, checked_id(download.id), known_to_exist=True)
    run.out.result(created, rendering.details(download))
    run.out.note(f"watch it with: cratekeeper watch {download.id}")
    return Exit.OK


def _body(kind: str, options: RequestOptions) -> dict[str, object]:
    """The create body; what was not said is left out."""
    said = {
        "content_name": options.name,
        "artist_name": options.artist,
        "priority": options.priority,
        "force": options.force or None,
    }
    known = {name: value for name, value in said.items() if value is not None}
    return {"kind": kind, "content_id": options.content_id, **known}
