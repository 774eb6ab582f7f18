"""How a business comes onto the network: entity check, registration, further B2B IDs, search."""
