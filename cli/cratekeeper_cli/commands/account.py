"""`login` and `logout`: which server, with which key."""

import sys
from dataclasses import dataclass
from typing import Annotated

import typer

from cratekeeper_cli import login_store
from cratekeeper_cli.endpoint import (
    KEY_VARIABLE,
    URL_VARIABLE,
    Endpoint,
    checked_key,
    checked_url,
    find_local_stack,
    is_loopback,
)
from cratekeeper_cli.errors import ApiProblem, BadInput
from cratekeeper_cli.exits import Exit
from cratekeeper_cli.login_store import Login
from cratekeeper_cli.tree import NoOptions, Run, Tree, open_api

_FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class LoginOptions:
    """What `login` may be told instead of asking."""

    url: Annotated[str | None, typer.Option(help="Base URL of the API. Asked for if not given.")] = None
    key: Annotated[
        str | None,
        typer.Option(help="API key. Better typed when asked, or piped: others can see arguments."),
    ] = None


def add_to(tree: Tree) -> None:
    """Add the commands of this module."""
    tree.command(
        "login",
        login,
        examples=[
            "cratekeeper login",
            "cratekeeper login --url https://api.example.org",
            "cat key.txt | cratekeeper login --url https://api.example.org",
        ],
    )
    tree.command("logout", logout, examples=["cratekeeper logout"])


def login(run: Run, options: LoginOptions) -> Exit:
    """Save the URL of a server and an API key for it.

    Both are tried first.

    The key is asked for without showing it, or read from standard input when that is no
    terminal. CRATEKEEPER_URL and CRATEKEEPER_KEY, where set, win over what is saved.
    """
    url = checked_url(options.url or run.host.env(URL_VARIABLE) or _asked_url(run))
    key = checked_key(options.key or run.host.env(KEY_VARIABLE) or _asked_key(run))
    if url.startswith("http:") and not is_loopback(url):
        run.out.note("note: over http the key travels where others can read it")
    may_request = _accepted(run, Endpoint(url, key, "what was typed"))
    file = login_store.save(run.host, Login(url, key))
    found = {"url": url, "saved_in": str(file), "may_request_content": may_request}
    run.out.result(found, f"logged in to {url}")
    run.out.note(f"saved in {file}")
    if not may_request:
        run.out.note("note: this key may look at statistics, but not request downloads")
    return Exit.OK


def _asked_url(run: Run) -> str:
    if not run.host.is_interactive:
        raise BadInput(f"no URL: give --url or set {URL_VARIABLE}")
    stack = find_local_stack(run.host.cwd)
    answer: str = typer.prompt("URL", default=stack.url if stack else None, err=True)
    return answer


def _asked_key(run: Run) -> str:
    if not run.host.is_interactive:
        return sys.stdin.readline()
    answer: str = typer.prompt("API key", hide_input=True, err=True)
    return answer


def _accepted(run: Run, endpoint: Endpoint) -> bool:
    """Whether the key may request content. Raises ApiProblem if the server does not know it."""
    try:
        with open_api(endpoint, run.host) as api:
            api.get("/v1/limits")
    except ApiProblem as problem:
        if problem.status != _FORBIDDEN:
            raise
        return False
    return True


def logout(run: Run, _options: NoOptions) -> Exit:
    """Delete the saved URL and key from this machine.

    The key itself stays valid.
    """
    was_there = login_store.forget(run.host)
    words = "logged out" if was_there else "there was no saved login"
    run.out.result({"was_logged_in": was_there}, words)
    return Exit.OK
