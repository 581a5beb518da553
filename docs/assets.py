"""Brings the library of the page at /docs into the tree: `python -m docs.assets`, after changing what is pinned here.

It takes the package by npm, checks the sum of the archive and of each file, and packs them equally each time. What
runs later needs neither npm nor a network; a fact test holds the files in the tree against the sums.
"""

import base64
import gzip
import hashlib
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from cratekeeper.api.pages import FOLDER

PACKAGE: Final = "swagger-ui-dist"
VERSION: Final = "5.35.0"
INTEGRITY: Final = "sha512-U06rpMtW9V3XPGOBeamTUSr0Z09jMX4IJuANpE/EZbAhw0G8CgwrzU4YmXkn/h0wCDNsXdGarTNNHC3sU8yVUQ=="
"""Of the archive, as npm writes it into lock files. The licence is Apache-2.0; what is bundled names its own."""


class Asset(NamedTuple):
    """A file of the package, its name here, and the SHA-256 of its content before it is packed."""

    source: str
    name: str
    sha256: str


ASSETS: Final = (
    Asset(
        "swagger-ui-bundle.js", "swagger-ui.js.gz", "e6a898692f2d768e807c3ba4626068a69a2c5dd960dd6c76f3e4d3a3de180af2"
    ),
    Asset("swagger-ui.css", "swagger-ui.css.gz", "5ed08757e53da3e026d6cbecc61fe5d43585c9560b302d534ad56692519a273d"),
    Asset("LICENSE", "LICENSE.txt", "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"),
    Asset(
        "swagger-ui-bundle.js.LICENSE.txt",
        "NOTICE.txt",
        "37eb6e7e59aed57b2c1acf076574b818ea07b74265717e0bd67b59e0baf9abbb",
    ),
)


def main() -> None:
    """Write all assets. Raises ValueError for a sum that differs."""
    with tempfile.TemporaryDirectory() as scratch:
        command = ["npm", "pack", "--silent", "--pack-destination", scratch, f"{PACKAGE}@{VERSION}"]
        archive = Path(scratch, subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
        found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if found != INTEGRITY:
            raise ValueError(f"the archive is not the one that is pinned: {found}")
        with tarfile.open(archive) as package:
            for asset in ASSETS:
                member = package.extractfile(f"package/{asset.source}")
                _write(asset, member.read() if member else b"")


def _write(asset: Asset, content: bytes) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != asset.sha256:
        raise ValueError(f"{asset.source} is not the one that is pinned: {found}")
    packed = gzip.compress(content, compresslevel=9, mtime=0) if asset.name.endswith(".gz") else content
    (FOLDER / asset.name).write_bytes(packed)


if __name__ == "__main__":
    main()
