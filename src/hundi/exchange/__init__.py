"""The road that every business message takes. It knows no document by name."""
