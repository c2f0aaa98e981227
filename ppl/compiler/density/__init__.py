"""A model and its data as a log-density on flat vectors, and what follows from a draw."""
