"""The scenes of `hundi demo`: each is one function of the `Table` on which the trade goes on."""
