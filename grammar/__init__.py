"""Syntax: text to tree, tree to text."""
