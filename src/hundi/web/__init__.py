"""The HTTP edge: message calls, tokens, reads. Thin files over operations and queries."""
