"""The benchmark: what Hundi can take, beside two floors measured in the same run.

`python -m bench` runs it all; docs/guide/benchmark.md says what each figure means.
"""
