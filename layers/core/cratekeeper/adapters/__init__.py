"""The adapters: one module per technology. Only `bootstrap` builds them."""
