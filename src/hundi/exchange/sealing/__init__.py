"""Checkpoints: signed statements of where every document's journal ended, and their verification.

The hash chain shows a changed row as long as the document's head is honest. Whoever can rewrite rows
and heads together is found by a checkpoint: its signature covers the heads, and its key is not in the
database.
"""
