"""Who is on the network: clients, entities, B2B IDs, endpoints and credentials."""
