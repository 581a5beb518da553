"""`request album` and `request track`: ask for content."""

from dataclasses import dataclass
from typing import Annotated

import typer

from cratekeeper_cli import rendering
from cratekeeper_cli.answers import Download
from cratekeeper_cli.arguments import Force, IdempotencyKey, Priority, checked_id, checked_key
from cratekeeper_cli.exits import Exit
from cratekeeper_cli.follow import follow
from cratekeeper_cli.tree import Run, Tree


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """What can be said about a wanted album or track."""

    content_id: Annotated[str, typer.Argument(metavar="ID", help="Content id: 22 letters and digits.")]
    name: Annotated[str | None, typer.Option(help="Its name, to be shown until the catalog knows it.")] = None
    artist: Annotated[str | None, typer.Option(help="The artist's name, likewise.")] = None
    priority: Priority = None
    force: Force = False
    idempotency_key: IdempotencyKey = None
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

    Exit codes with --wait: 0 COMPLETED, 1 FAILED, 8 CANCELLED or parts missing, 130 left with
    Ctrl-C. When refused: 6 in the queue or catalog already, 7 a limit is reached.
    """
    return _request(run, "album", options)


def request_track(run: Run, options: RequestOptions) -> Exit:
    """Ask for a single track.

    Exit codes with --wait: 0 COMPLETED, 1 FAILED, 8 CANCELLED, 130 left with Ctrl-C. When
    refused: 6 in the queue or catalog already, 7 a limit is reached.
    """
    return _request(run, "track", options)


def _request(run: Run, kind: str, options: RequestOptions) -> Exit:
    key = checked_key(options.idempotency_key)
    with run.api() as api:
        created = api.create("/v1/downloads", _body(kind, options), key=key)
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
