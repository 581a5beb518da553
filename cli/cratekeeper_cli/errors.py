"""How a command can end badly: one line, a hint and an exit code, never a trace.

CliError
├── BadInput        what was typed cannot be right
├── NotLoggedIn     no URL, or no key for it
├── Unreachable     nothing answers, or what answers is no Cratekeeper
│   └── Unsure      no answer came, but the request may have arrived
│       └── LineBroke   the line broke: asking again may help
├── ApiProblem      the server said no: status, code, request id
├── StackFailed     the local stack said no
├── Broken          what came is not what the catalog says (`saving`)
├── NotWritable     the file system said no (`saving`)
├── Detached        Ctrl-C; the download goes on
└── RunGoesOn       Ctrl-C; the run of a job goes on
"""

from collections.abc import Mapping
from http import HTTPStatus

from cratekeeper_cli.exits import Exit, of_http_status
from cratekeeper_cli.text import clean


class CliError(Exception):
    """The command ends here: `line` says why and `hint`, if any, what to do."""

    def __init__(self, line: str, *, exit_code: Exit, code: str, hint: str | None = None) -> None:
        """Keep `line` without control characters; `code` is a stable snake_case word."""
        super().__init__(line)
        self.line = clean(line, limit=1000)
        self.exit_code: int = exit_code
        self.code = code
        self.hint = hint
        self.fields: Mapping[str, object] = {}

    def document(self) -> Mapping[str, object]:
        """What `--json` prints: shaped as RFC 9457; `fields` adds to it or stands instead."""
        own = {"type": "about:blank", "title": self.code, "detail": self.line, "code": self.code}
        hint = {} if self.hint is None else {"hint": self.hint}
        return {**own, **hint, **self.fields}


class BadInput(CliError):
    """What was typed cannot be right, seen before anything was sent."""

    def __init__(self, line: str) -> None:
        """Ends with exit code 2."""
        super().__init__(line, exit_code=Exit.USAGE, code="bad_input")


class NotLoggedIn(CliError):
    """There is no URL, or no key for it."""

    def __init__(self, line: str, *, hint: str) -> None:
        """Ends with exit code 4."""
        super().__init__(line, exit_code=Exit.DENIED, code="not_logged_in", hint=hint)


class Unreachable(CliError):
    """Nothing answers at the URL, or what answers is no Cratekeeper."""

    def __init__(self, line: str, *, hint: str | None = None) -> None:
        """Ends with exit code 3."""
        super().__init__(line, exit_code=Exit.UNREACHABLE, code="unreachable", hint=hint)


class Unsure(Unreachable):
    """No answer came, but the request may have arrived."""


class LineBroke(Unsure):
    """The line broke while an answer was on its way: asking again may help."""


class ApiProblem(CliError):
    """The server refused or failed: an RFC 9457 document, or a gateway's bare message."""

    def __init__(self, status: int, problem: Mapping[str, object], *, retry_after_s: float | None = None) -> None:
        """Word `problem` as one line; `retry_after_s` is the header of the same name, if sent."""
        self.status = status
        self.problem = dict(problem)
        self.retry_after_s = retry_after_s
        super().__init__(self._worded(), exit_code=of_http_status(status), code=self._word("code") or "http_error")
        self.fields = {"status": status, **self.problem}

    def _word(self, name: str) -> str | None:
        value = self.problem.get(name)
        return value if isinstance(value, str) and value else None

    def _worded(self) -> str:
        said = self._word("detail") or self._word("title") or self._word("message") or _phrase(self.status)
        parts = [self._word("code") or f"HTTP {self.status}"]
        if request_id := self._word("request_id"):
            parts.append(f"request id {request_id}")
        return f"{said}{self._errors(said)} ({', '.join(parts)})"

    def _errors(self, said: str) -> str:
        """The fields that are wrong, the first three, unless they are `said` already."""
        errors = self.problem.get("errors")
        if not isinstance(errors, list):
            return ""
        named = [f"{_path(e.get('loc'))}: {e.get('msg')}" for e in errors[:3] if isinstance(e, Mapping)]
        new = [one for one in named if one not in said]
        return f" [{'; '.join(new)}]" if new else ""


class StackFailed(CliError):
    """The local stack could not do what was asked."""

    def __init__(self, line: str, *, exit_code: int) -> None:
        """Ends with the stack's own `exit_code`."""
        super().__init__(line, exit_code=Exit.FAILED, code="local_stack")
        self.exit_code = exit_code


class Detached(CliError):
    """The person left with Ctrl-C while the download goes on."""

    def __init__(self, *download_ids: str, is_held: bool = False) -> None:
        """Says how to come back to one or several; ends with exit code 130. `is_held`: it is paused."""
        state = "it stays paused" if is_held else "still downloading"
        back = f"watch {download_ids[0]}" if len(download_ids) == 1 else "downloads --active"
        super().__init__(f"{state}; come back with: cratekeeper {back}", exit_code=Exit.DETACHED, code="detached")
        self.fields = {"download_id": download_ids[0]} if len(download_ids) == 1 else {"download_ids": download_ids}


class RunGoesOn(CliError):
    """The person left with Ctrl-C while the run of a background job goes on."""

    def __init__(self, job_id: str, run_id: str) -> None:
        """Says how to see its end; ends with exit code 130."""
        line = f"the run goes on; see how it ends with: cratekeeper admin jobs show {job_id}"
        super().__init__(line, exit_code=Exit.DETACHED, code="detached")
        self.fields = {"job_id": job_id, "run_id": run_id}


def _phrase(status: int) -> str:
    known = {member.value: member.phrase for member in HTTPStatus}
    return f"the server answered {status} {known.get(status, '')}".strip()


def _path(loc: object) -> str:
    return ".".join(str(part) for part in loc) if isinstance(loc, list) else str(loc)
