"""How large a model text may be. Generous for people, small enough that no text can exhaust a later pass."""

from __future__ import annotations

CHARACTERS = 1_000_000
TOKENS = 200_000
NAME_LENGTH = 100
NUMBER_LENGTH = 60
# Brackets inside brackets.
NESTING = 50
# `for` blocks inside `for` blocks.
BLOCKS = 8
# Levels of an expression's tree: a sum of n terms has n. Later passes recurse over expressions with a few calls a
# level, and Python stops at 1,000 calls.
DEPTH = 120
# Errors reported in one run.
ERRORS = 100
