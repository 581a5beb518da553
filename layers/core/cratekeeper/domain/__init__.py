"""What Cratekeeper knows: states, order of work, limits, retries and media, as pure values and functions."""
