"""What must hold of the store at any moment: pure checks, a walk over all rows, a cheap watch."""
