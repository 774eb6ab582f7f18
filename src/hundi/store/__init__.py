"""SQLite and PostgreSQL behind one small door: transactions, bulk statements, group commit."""
