"""What an operator sees of a network: log lines, spans, objectives. Nothing here knows a document."""
