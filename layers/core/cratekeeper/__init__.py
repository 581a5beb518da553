"""Cratekeeper: a download manager that fills a media library and keeps it whole."""

from typing import Final

__version__: Final = "0.1.0"
