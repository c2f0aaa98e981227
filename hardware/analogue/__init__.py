"""Continuous units, s-modes: their law, their dynamics, their circuits."""
