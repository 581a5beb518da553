"""A whole stack, from nothing or from what its data folder holds, for as long as it is wanted."""

import errno
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from cratekeeper_local import bell, datadir, front, gaps, keys, launch, metrics, nested, parameters, startup, template
from cratekeeper_local.aws import Aws
from cratekeeper_local.children import Child
from cratekeeper_local.console import Progress
from cratekeeper_local.datadir import DataDir
from cratekeeper_local.deploy import Stack, deployed
from cratekeeper_local.errors import USAGE, LocalStackError
from cratekeeper_local.invoking import invoked
from cratekeeper_local.launch import Emulator
from cratekeeper_local.project import Project, check_interpreter, host_architecture, host_runtime
from cratekeeper_local.readback.check import expected_resources
from cratekeeper_local.ready import Ready

HEALTH_LIMIT_S: Final = 30.0
# Reconciling looks at every item; a large table is finished while people already work.
RECONCILE_LIMIT_S: Final = 10.0
_WATCH_S: Final = 0.2
_RETRY_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a start was asked for. Without `provider_url` the demo provider runs beside the stack."""

    port: int
    data_dir: Path
    fresh: bool = False
    provider_url: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    ready_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """A stack that answers: what it tells of itself, and the processes that it needs."""

    ready: Ready
    data: DataDir
    needs: tuple[Child, ...]

    def watch(self) -> NoReturn:
        """Stay until interrupted. Raises LocalStackError when a process of the stack has ended."""
        while True:
            for child in self.needs:
                if not child.is_running():
                    raise LocalStackError(f"the {child.name} has ended: {child.last_words()}; see {child.log}")
            time.sleep(_WATCH_S)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What is there once the template is deployed."""

    aws: Aws
    emulator: Emulator
    stack: Stack
    data: DataDir
    progress: Progress


@contextmanager
def running(wanted: Wanted, project: Project, progress: Progress) -> Iterator[Running]:
    """Start a stack and stop it at the end of the block. Raises LocalStackError.

    What can be refused without starting anything is refused first: interpreter, settings, port, folder.
    """
    check_interpreter()
    declared = template.load(project.template)
    settings = _checked(wanted, declared)
    with ExitStack() as open_until_end:
        enter = open_until_end.enter_context
        enter(_told_in_one_line())
        listener = enter(front.reserved(wanted.port))
        data, lock = enter(datadir.opened(wanted.data_dir, fresh=wanted.fresh))
        _forget(wanted.ready_file)
        needs: list[Child] = []
        if wanted.provider_url is None:
            settings["ProviderUrl"], provider = enter(launch.provider_started(data))
            needs.append(provider)
            progress.step(f"demo provider: {settings['ProviderUrl']}")
        emulator = enter(launch.emulator_started(data, lock=lock, progress=progress))
        needs.append(emulator.child)
        progress.step("emulator, " + ("with what was saved" if emulator.resumed else "empty"))
        aws = Aws(emulator.url)
        stack = _deployed(aws, project, declared, settings, data)
        progress.step(f"{len(stack.resources)} resources deployed, each read back")
        emulator.open()
        ready = enter(_serving(_Parts(aws, emulator, stack, data, progress), listener))
        open_until_end.callback(data.ready.unlink, missing_ok=True)
        for path in filter(None, (data.ready, wanted.ready_file)):
            ready.write(path)
        open_until_end.callback(progress.step, "stopping: no new work, what runs may end, then the last save")
        yield Running(ready, data, tuple(needs))


@contextmanager
def _told_in_one_line() -> Iterator[None]:
    """An emulator that fails or dies in the middle is a misfortune, not a fault in the launcher."""
    try:
        yield
    except (BotoCoreError, ClientError, httpx.HTTPError) as error:
        raise LocalStackError(f"the emulator failed: {' '.join(str(error).split())}") from error


def _forget(ready_file: Path | None) -> None:
    """A file of an earlier run must not be taken for the sign of this one."""
    try:
        if ready_file:
            ready_file.unlink(missing_ok=True)
            if not ready_file.parent.is_dir():
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    except OSError as error:
        raise LocalStackError(f"cannot write the ready file {ready_file}: {error.strerror}", USAGE) from error


def _checked(wanted: Wanted, declared: template.Template) -> dict[str, str]:
    """All parameters of the template; those that describe this machine are ours to give."""
    if wanted.provider_url is not None:
        if "ProviderUrl" in wanted.settings:
            raise LocalStackError("ProviderUrl is given twice: by --provider-url and by --set", USAGE)
        parameters.checked(declared, {"ProviderUrl": wanted.provider_url}, origin="--provider-url")
    own = {"Architecture": host_architecture(), "Runtime": host_runtime(), "ProviderUrl": wanted.provider_url or ""}
    allowed = declared["Parameters"].get("Runtime", {}).get("AllowedValues", [own["Runtime"]])
    if own["Runtime"] not in allowed:
        del own["Runtime"]  # functions run on this interpreter whatever the template says
    known = {name: value for name, value in own.items() if name in declared["Parameters"]}
    return parameters.checked(declared, {**known, **wanted.settings})


def _deployed(
    aws: Aws, project: Project, declared: template.Template, settings: Mapping[str, str], data: DataDir
) -> Stack:
    # Building clients is work for this process, deploying for the emulator: both at once.
    clients = threading.Thread(target=aws.build_clients, daemon=True)
    clients.start()
    stack = deployed(aws, project, declared, settings, data.builds)
    clients.join()
    gaps.fill_and_check(aws, stack)
    nested.set_up(aws, project, stack)
    return stack


@contextmanager
def _serving(parts: _Parts, listener: socket.socket) -> Iterator[Ready]:
    """Open the front, make sure of the keys and the history, ring the bell."""
    aws, emulator, names = parts.aws, parts.emulator, parts.stack.resources
    url = front.url_of(listener)
    with front.opened(listener, f"{emulator.url}/_aws/execute-api/{names['HttpApi']}/$default"):
        reconciled = _reconciling(parts) if emulator.resumed else None
        with launch.loopback_client(url) as api:
            _wait_for_health(api, parts.data)
            own_keys = _keys(parts, api)
        if reconciled:
            reconciled.join(RECONCILE_LIMIT_S)
        parts.progress.step("the API answers")
        startup.announce(aws, names["JobsFunction"], resumed=emulator.resumed, warn=parts.progress.warn)
        dispatcher = names["DispatcherFunction"]
        event = bell.schedule_event(list(expected_resources(aws, parts.stack)), dispatcher)
        with (
            bell.ringing(aws, dispatcher, event, warn=parts.progress.warn),
            metrics.collecting(aws, parts.data.logs, _queues(parts.stack), warn=parts.progress.warn),
        ):
            yield Ready(url, url, emulator.url, own_keys, names)


def _queues(stack: Stack) -> dict[str, str]:
    """The URL of each queue by its name."""
    found = stack.template["Resources"].items()
    urls = [stack.resources[name] for name, resource in found if resource["Type"] == "AWS::SQS::Queue"]
    return {url.rpartition("/")[2]: url for url in urls}


def _wait_for_health(api: httpx.Client, data: DataDir) -> None:
    deadline = time.monotonic() + HEALTH_LIMIT_S
    while ill := _illness(api):
        if time.monotonic() > deadline:
            raise LocalStackError(f"GET /health: {ill}; see {data.logs}")
        time.sleep(_RETRY_S)


def _illness(api: httpx.Client) -> str | None:
    """Why the API is not well, None if it is."""
    try:
        answer = api.get("/health")
    except httpx.TransportError as error:
        return str(error)
    return None if answer.is_success else f"{answer.status_code} {answer.text[:200]}"


def _keys(parts: _Parts, api: httpx.Client) -> Mapping[str, str]:
    """The keys of the last start if the stack still knows them, else new ones."""
    found = keys.kept(parts.data.keys)
    if found and all(_accepts(api, key) for key in found.values()):
        return found
    own_keys = keys.made(parts.aws, parts.stack.resources["AdminFunction"])
    # First the stack's memory of them: keys that a restart does not know would be of no use.
    parts.emulator.save()
    keys.keep(parts.data.keys, own_keys)
    return own_keys


def _accepts(api: httpx.Client, key: str) -> bool:
    answer = api.get("/v1/queue", headers={"Authorization": f"Bearer {key}"})
    return answer.status_code != httpx.codes.UNAUTHORIZED


def _reconciling(parts: _Parts) -> threading.Thread:
    """Put history right where it lacks what items know; runs until it is done."""

    def repair() -> None:
        try:
            invoked(parts.aws, parts.stack.resources["ProjectorFunction"], {"action": "reconcile"})
        except LocalStackError as error:
            parts.progress.warn(f"history was not reconciled: {error}")

    worker = threading.Thread(target=repair, daemon=True, name="reconcile")
    worker.start()
    return worker
