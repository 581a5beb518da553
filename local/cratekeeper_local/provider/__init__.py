"""The demo provider: a small downloader service with media that it makes itself.

It answers the upstream contract that Cratekeeper drives (search, metadata, audio,
images), keeps count of what it was asked for, and misbehaves when a test tells it to.
Start it with ``python -m cratekeeper_local.provider``, or from a test with
``cratekeeper_local.provider.child.running``.
"""
