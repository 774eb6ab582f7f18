"""Double entry: every transfer takes from one account what it gives to another, in two phases."""
