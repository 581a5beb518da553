"""`admin users …` and `admin keys …`: who may do what, and with which keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table

from cratekeeper_cli import completion, listing, outcomes, text
from cratekeeper_cli.answers import Fields, Json, UserRole, items_of
from cratekeeper_cli.arguments import (
    Everything,
    Most,
    OnlyIds,
    UserId,
    checked_key_ids,
    checked_user,
    user_path,
)
from cratekeeper_cli.asking import make_sure
from cratekeeper_cli.endpoint import Role
from cratekeeper_cli.errors import BadInput
from cratekeeper_cli.exits import Exit
from cratekeeper_cli.hints import where_to_look
from cratekeeper_cli.rendering import pairs, plain_table
from cratekeeper_cli.tree import Run, Tree

if TYPE_CHECKING:
    from cratekeeper_cli.client import Api

_LIST: Final = "/v1/admin/users"
_LARGEST: Final = 1_000_000
_UNLIMITED: Final = -1
_ROOMY: Final = 80
_KEY: Final = "x8Qm2LwTaPJq"
_LOOK: Final = "list the users with: cratekeeper admin users"

_ROLE: Final = typer.Option(case_sensitive=False, help="user: requests; viewer: figures and audit; admin: everything.")
_Role = Annotated[UserRole, _ROLE]
_ChangedRole = Annotated[UserRole | None, _ROLE]
_BOUNDS: Final = (("unlimited", "no limit"), ("default", "that of all users"))
_PerDay = Annotated[
    str | None,
    typer.Option(
        "--max-per-day",
        metavar="N",
        help="Requests a day: 0 to 1000000, unlimited, or default for what holds for all.",
        autocompletion=completion.words(*_BOUNDS),
    ),
]
_InQueue = Annotated[
    str | None,
    typer.Option(
        "--max-queue",
        metavar="N",
        help="Downloads in the queue at a time: 0 to 1000000, unlimited, or default.",
        autocompletion=completion.words(*_BOUNDS),
    ),
]
_NewUser = Annotated[
    str,
    typer.Argument(metavar="USER", help="Its id: 1 to 64 letters, digits, . _ @ | : -, the first a letter or digit."),
]


@dataclass(frozen=True, slots=True)
class ListOptions:
    """How many users to list."""

    limit: Most = 50
    everything: Everything = False
    ids: OnlyIds = False


@dataclass(frozen=True, slots=True)
class UserOptions:
    """Which user."""

    user: UserId


@dataclass(frozen=True, slots=True)
class CreateOptions:
    """A user."""

    user: _NewUser
    role: _Role = UserRole.USER
    per_day: _PerDay = None
    in_queue: _InQueue = None


@dataclass(frozen=True, slots=True)
class ChangeOptions:
    """Which user, and what is to be different."""

    user: UserId
    role: _ChangedRole = None
    per_day: _PerDay = None
    in_queue: _InQueue = None


@dataclass(frozen=True, slots=True)
class RevokeOptions:
    """Which keys of whom."""

    user: UserId
    keys: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY",
            help="Ids of keys, as `admin keys list` prints them; one that begins with - goes behind a --.",
            autocompletion=completion.keys_of("user"),
        ),
    ]
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False


def add_to(tree: Tree) -> None:
    """Add the commands of this module; the group `admin` must exist."""
    tree.group_with_default(
        "admin users", list_users, examples=["cratekeeper admin users", "cratekeeper admin users --all --json"]
    )
    tree.command("admin users show", show, examples=["cratekeeper admin users show alice"])
    tree.command(
        "admin users create",
        create,
        examples=[
            "cratekeeper admin users create alice",
            "cratekeeper admin users create bob --role viewer",
            "cratekeeper admin users create carol --max-per-day 250 --max-queue unlimited",
        ],
    )
    tree.command(
        "admin users change",
        change,
        examples=[
            "cratekeeper admin users change alice --role admin",
            "cratekeeper admin users change alice --max-per-day 250 --max-queue default",
        ],
    )
    tree.group("admin keys", help_text="Make and revoke the API keys of users.")
    tree.command("admin keys list", list_keys, examples=["cratekeeper admin keys list alice"])
    tree.command(
        "admin keys create",
        create_key,
        examples=["cratekeeper admin keys create alice", "cratekeeper admin keys create alice > key.txt"],
    )
    tree.command(
        "admin keys revoke",
        revoke,
        examples=[f"cratekeeper admin keys revoke alice {_KEY}", f"cratekeeper admin keys revoke alice {_KEY} --yes"],
    )


def list_users(run: Run, options: ListOptions) -> Exit:
    """List the users, by id.

    With their role, limits of their own, and how many keys they have. Needs the permission
    server_admin.
    """
    at_most = None if options.everything else options.limit
    with run.api(Role.ADMIN) as api:
        found = listing.read(api, _LIST, {}, at_most=at_most)
    rows = [Fields(item) for item in items_of(found)]
    if options.ids:
        run.out.result(found, *(row.must("user_id") for row in rows))
    else:
        run.out.result(found, _user_list(rows, width=run.out.stdout.width) if rows else "no users")
    listing.mention_more(run, found)
    return Exit.OK


def show(run: Run, options: UserOptions) -> Exit:
    """Show a user, with the keys that are in force.

    Needs the permission server_admin. Exit codes: 0, 5 no such user.
    """
    found = _look(run, options.user)
    run.out.result(found, _details(Fields(found)))
    return Exit.OK


def create(run: Run, options: CreateOptions) -> Exit:
    """Add a user, as yet without keys.

    With an identity provider, USER is the subject of the tokens that it signs. Needs the
    permission server_admin. Exit codes: 0, 6 there is such a user.
    """
    body = {"user_id": checked_user(options.user), "role": str(options.role), **_limits(options)}
    with run.api(Role.ADMIN) as api:
        found = api.act("POST", _LIST, body=body)
    run.out.result(found, _details(Fields(found)))
    run.out.note(f"make a key with: cratekeeper admin keys create {options.user}")
    return Exit.OK


def change(run: Run, options: ChangeOptions) -> Exit:
    """Change a user's role, or limits of their own.

    What is not named stays as it is; `default` takes back a limit of their own. In force within
    a minute. Needs the permission server_admin. Exit codes: 0, 5 no such user.
    """
    body = {**({"role": str(options.role)} if options.role else {}), **_limits(options)}
    path = user_path(options.user)
    if not body:
        raise BadInput("nothing to change: name --role, --max-per-day or --max-queue")
    with where_to_look(_LOOK), run.api(Role.ADMIN) as api:
        found = api.ensure("PATCH", path, body)
    run.out.result(found, _details(Fields(found)))
    return Exit.OK


def list_keys(run: Run, options: UserOptions) -> Exit:
    """List the keys of a user that are in force.

    By id and age, oldest first; what opens doors is shown once, when a key is made. Needs the
    permission server_admin. Exit codes: 0, 5 no such user.
    """
    found = _look(run, options.user)
    keys = items_of(found, "keys")
    table = plain_table("KEY", "MADE")
    for key in map(Fields, keys):
        table.add_row(key.must("key_id"), text.moment(key.time("created_at")))
    run.out.result({"user_id": options.user, "keys": keys}, table if keys else "no keys")
    return Exit.OK


def create_key(run: Run, options: UserOptions) -> Exit:
    """Make a further key for a user, shown this once.

    On stdout the key alone, for a file or a pipe: only a keyed hash of it is stored, so nobody can
    show it again. Needs the permission server_admin. Exit codes: 0, 5 no such user, 6 they have as
    many keys as they can.
    """
    path = user_path(options.user)
    with where_to_look(_LOOK), run.api(Role.ADMIN) as api:
        found = api.act("POST", f"{path}/keys")
    made = Fields(found)
    key_id = made.must("key_id")
    run.out.result(found, made.must("key"))
    run.out.note(f"the key {key_id} of {options.user} is shown this once: keep it now")
    run.out.note(f"revoke it with: cratekeeper admin keys revoke {options.user} {_typed(key_id)}")
    return Exit.OK


def revoke(run: Run, options: RevokeOptions) -> Exit:
    """Revoke keys of a user: within a minute they open nothing.

    Cannot be undone; what the user has asked for goes on. Needs the permission server_admin. Exit
    codes: for one key 0, or that of the refusal (5 no such user or key); for many 0 if all went
    well, else 8.
    """
    path, ids = user_path(options.user), checked_key_ids(options.keys)
    make_sure(run, "revoke", ids[0] if len(ids) == 1 else f"{len(ids):,} keys", is_sure=options.yes)
    hint = f"list the keys with: cratekeeper admin keys list {options.user}"
    with where_to_look(hint), run.api(Role.ADMIN) as api:
        if len(ids) == 1:
            word = _revoked(api, path, ids[0])
            run.out.result({"id": ids[0], "status": word}, f"{word} {ids[0]}")
            return Exit.OK
        told = outcomes.one_by_one(run, ids, lambda key_id: _revoked(api, path, key_id))
    return outcomes.report(run, told)


def _revoked(api: "Api", path: str, key_id: str) -> str:
    api.act("DELETE", f"{path}/keys/{key_id}")
    return "revoked"


def _look(run: Run, user_id: str) -> Json:
    path = user_path(user_id)
    with where_to_look(_LOOK), run.api(Role.ADMIN) as api:
        return api.get(path)


def _limits(options: CreateOptions | ChangeOptions) -> dict[str, int | None]:
    """Limits of their own, where one was named; None is the default. Raises BadInput."""
    named = {"max_per_day": options.per_day, "max_queue": options.in_queue}
    return {name: _bound(word) for name, word in named.items() if word is not None}


def _bound(word: str) -> int | None:
    if word in {"unlimited", str(_UNLIMITED)}:
        return _UNLIMITED
    if word == "default":
        return None
    if not (word.isascii() and word.isdigit() and len(word) <= len(str(_LARGEST)) and int(word) <= _LARGEST):
        raise BadInput(f"not a limit: {word!r}; expected 0 to {_LARGEST}, unlimited or default")
    return int(word)


def _user_list(users: Sequence[Fields], *, width: int) -> Table:
    is_roomy = width >= _ROOMY
    table = plain_table()
    table.add_column("USER", overflow="fold", ratio=1)
    table.add_column("ROLE", no_wrap=True)
    for header in ("A DAY", "IN QUEUE", "KEYS"):
        table.add_column(header, justify="right", no_wrap=True)
    if is_roomy:
        table.add_column("SINCE", no_wrap=True)
    for user in users:
        since = [text.moment(user.time("created_at"))] if is_roomy else []
        limits = (_limit(user, "max_per_day"), _limit(user, "max_queue"))
        keys = f"{len(items_of(user.document, 'keys')):,}"
        table.add_row(user.must("user_id"), user.text("role") or "?", *limits, keys, *since)
    return table


def _details(user: Fields) -> Table:
    keys = [Fields(key) for key in items_of(user.document, "keys")]
    first, *others = [f"{key.must('key_id')}  of {text.moment(key.time('created_at'))}" for key in keys] or ["none"]
    return pairs([
        ("User", user.must("user_id")),
        ("Role", user.text("role") or "?"),
        ("Requests a day", _limit(user, "max_per_day")),
        ("In the queue", _limit(user, "max_queue")),
        ("Since", text.moment(user.time("created_at"))),
        ("Keys", first),
        *(("", other) for other in others),
    ])


def _limit(user: Fields, name: str) -> str:
    own = user.integer(name)
    if own is None:
        return "default"
    return "unlimited" if own == _UNLIMITED else f"{own:,}"


def _typed(key_id: str) -> str:
    """A key's id as it must be typed: some begin as options do."""
    return f"-- {key_id}" if key_id.startswith("-") else key_id
