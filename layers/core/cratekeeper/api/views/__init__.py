"""The views of the user routes: each parses, calls one service, and renders."""
