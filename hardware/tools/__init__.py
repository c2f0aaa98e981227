"""Programs of others: which there are, how they are run."""
