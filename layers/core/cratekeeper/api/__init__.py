"""The HTTP edge: shapes, headers and status codes."""
