"""Inference engines: each sees a log-density on flat vectors and nothing of models."""
