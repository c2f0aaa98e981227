"""Dynamics of constant energy whose velocity has constant length."""
