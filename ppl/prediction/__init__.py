"""From a model to data: draws from its prior, and predictions from a fit for new data."""
