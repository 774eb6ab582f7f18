"""Delivery: lease, sign, post, judge, finish; retries, breakers and the egress guard."""
