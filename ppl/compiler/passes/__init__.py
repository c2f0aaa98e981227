"""Decisions about a checked model: pure functions of its graph (and sizes), each with reasons for `ppl explain`."""
