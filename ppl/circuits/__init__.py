"""Models as circuits of stochastic units: their factor graphs, and what units show read back as quantities."""
