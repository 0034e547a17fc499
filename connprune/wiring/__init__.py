"""Gates on the skip connections of a torch module that somebody else wrote, and its cut.

Read in this order: `wire`, `tracing`, `merges`, `flow`, `parts`, `gated`, `liveness`, `shrink`.
"""
