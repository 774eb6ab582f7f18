"""The seeded simulation: real road, outbox and dispatcher, virtual time, no socket, no sleep."""
