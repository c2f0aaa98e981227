"""Drawing forward: every quantity from its distribution, given those before it."""
