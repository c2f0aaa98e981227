"""Walks through the states of finite discrete sites: colourings, sweeps, starts; alone or between gradient moves."""
