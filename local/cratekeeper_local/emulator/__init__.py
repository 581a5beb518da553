"""The emulator as a child process: ministack's app, made durable.

Start it with ``python -m cratekeeper_local.emulator``; `settings` says what it takes from the
environment. Everything that depends on the emulator's inside stands in `internals`.
"""
