"""Documents, and what makes the generated ones."""
