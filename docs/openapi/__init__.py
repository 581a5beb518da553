"""The OpenAPI document: route tables and models of the code, and what only a reader needs to be told."""
