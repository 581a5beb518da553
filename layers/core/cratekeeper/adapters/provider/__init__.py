"""The downloader service over HTTP (`Provider`)."""

from cratekeeper.adapters.provider.client import HttpProvider

__all__ = ["HttpProvider"]
