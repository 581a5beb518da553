"""The command line: talks to the HTTP API, and starts the local stack on request."""
