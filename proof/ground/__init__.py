"""What the parts stand on: databases and servers that die and come back, callers, receivers."""
