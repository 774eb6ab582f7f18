"""The proof harness: the promises of the network as figures that anyone can measure again."""
