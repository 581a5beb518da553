"""Where the parts of the project lie that the stack is made of."""

import platform
import sys
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Final

from cratekeeper_local.errors import LocalStackError

OLDEST_PYTHON: Final = (3, 11)
EMULATOR_VERSION: Final = "1.5.33"
_SETUP: Final = "make it with: make setup"
_ARM: Final = frozenset({"arm64", "aarch64"})


@dataclass(frozen=True, slots=True)
class Project:
    """A checkout of Cratekeeper."""

    root: Path

    @classmethod
    def here(cls) -> "Project":
        """The checkout that this package belongs to. Raises LocalStackError if it is none."""
        root = Path(__file__).resolve().parents[2]
        if not (root / "template.yaml").is_file():
            raise LocalStackError(f"no template.yaml in {root}: the local stack runs from a checkout of the project")
        return cls(root)

    @property
    def template(self) -> Path:
        """The one description of the system."""
        return self.root / "template.yaml"

    @property
    def core_layer(self) -> Path:
        """The folder whose content is the core layer."""
        return self.root / "layers" / "core"

    @property
    def default_data(self) -> Path:
        """Where the stack keeps its state unless told otherwise; ignored by git."""
        return self.root / ".cratekeeper"


def check_interpreter() -> None:
    """Raise LocalStackError if this Python cannot run the stack."""
    if sys.version_info < OLDEST_PYTHON:
        raise LocalStackError(f"Python {platform.python_version()} is too old, 3.11 is needed; {_SETUP}")
    if not sys.executable or not Path(sys.executable).exists():
        raise LocalStackError(f"the Python interpreter is gone: {sys.executable or 'unknown'}; {_SETUP}")
    for module in ("ministack", "samtranslator", "cryptography", "yaml", "hypercorn"):
        if util.find_spec(module) is None:
            raise LocalStackError(f"the package {module} is missing from {sys.prefix}; {_SETUP}")
    found = metadata.version("ministack")
    if found != EMULATOR_VERSION:
        raise LocalStackError(f"ministack {found} is installed, {EMULATOR_VERSION} is needed; {_SETUP}")


def host_architecture() -> str:
    """The processor type of this machine, as Lambda names it."""
    return "arm64" if platform.machine().lower() in _ARM else "x86_64"


def host_runtime() -> str:
    """The Lambda runtime of this interpreter, such as python3.11."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"
