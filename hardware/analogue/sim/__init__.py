"""Simulated modes: exactly where they are linear, step by step where they are not."""
