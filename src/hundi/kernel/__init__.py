"""Money, identifiers, faults, strict JSON reading, signatures: what everything else stands on."""
