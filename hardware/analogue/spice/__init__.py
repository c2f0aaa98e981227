"""Circuits as decks of ngspice, and their runs."""
