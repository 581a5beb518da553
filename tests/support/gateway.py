"""Which function API Gateway calls: its own rules on the routes of template.yaml."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from cratekeeper_local.template import load, resources_of

ROOT = Path(__file__).resolve().parents[2]


@cache
def routes() -> dict[str, str]:
    """{route key: folder of the function}, such as `ANY /v1/downloads/{proxy+}` or `$default`."""
    found = {}
    for function in resources_of(load(ROOT / "template.yaml"), "AWS::Serverless::Function").values():
        for event in function.get("Events", {}).values():
            if event["Type"] == "HttpApi":
                declared: dict[str, Any] = event["Properties"]
                key = f"{declared['Method']} {declared['Path']}" if "Path" in declared else "$default"
                found[key] = function["CodeUri"].removeprefix("functions/")
    return found


def route_of(method: str, path: str) -> tuple[str, str]:
    """Key and folder: an exact match first, then the longest greedy one, then $default."""
    fitting = [key for key in routes() if _fits(key, method, path)]
    key = max(fitting, key=lambda key: ("+}" not in key, key.count("/"), "{" not in key), default="$default")
    return key, routes()[key]


def _fits(key: str, method: str, path: str) -> bool:
    wanted, _, form = key.partition(" ")
    # Slashes before the path do not change which route is chosen.
    pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.sub(r"\\\{\w+\\\+\\\}", ".+", re.escape(form)))
    return wanted in {"ANY", method} and re.fullmatch(pattern, "/" + path.lstrip("/")) is not None
