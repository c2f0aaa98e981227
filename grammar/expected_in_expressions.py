"""Syntax errors inside expressions: a value that is missing, one too many, a word in the place of a name."""

from __future__ import annotations

from ppl.errors import Diagnostic
from ppl.grammar import messages
from ppl.grammar.failure import DECLARATIONS, KEYWORD_TYPES, OPERATORS, STATEMENT_WORDS, Failure


def keyword_for_a_name(f: Failure) -> Diagnostic | None:
    """`mu ~ Normal(data, 1)`."""
    token = f.token
    if token is None or token.type not in KEYWORD_TYPES or "NAME" not in f.accepts:
        return None
    if f.needs_value and token.type not in STATEMENT_WORDS:
        return None
    if f.position == 0 and f.start != "body_line":
        return None
    return messages.keyword_as_name(token, str(token))


def missing_else(f: Failure) -> Diagnostic | None:
    """`x = a if c`."""
    if "ELSE" not in f.accepts or (f.has_value and f.type(f.position) in ("NAME", "INT", "FLOAT", "LPAR")):
        return None
    start = next((i for i in range(f.position - 1, -1, -1) if f.type(i) == "IF"), None)
    if start is None:
        return None
    hints = ["a choice has both sides: `a if c else b`"]
    if f.first.type in ("NAME", "PREDICT") and f.find("TILDE") > 0:
        condition = f.text(start + 1, f.position)
        hints.append(f"to keep some elements of a dim: `for i in obs if {condition}`")
    return f.error("E029", "`if` without `else`", f.span(start), "", *hints)


def missing_value(f: Failure) -> Diagnostic | None:
    """`x = a +`, `x = f(, a)`, `y[] ~ Normal(0, 1)`."""
    if not f.needs_value or f.before is None:
        return None
    before = f.before
    token = f.token
    needs = {
        "TILDE": ("nothing stands after `~`", "write a distribution: `Normal(0, 1)`"),
        "EQUAL": ("nothing stands after `=`", "write a value"),
        "COLON": ("nothing stands after `:`", "write an expression"),
        "COMMA": ("nothing stands after the comma", "remove the comma or write what is missing"),
        "LSQB": ("the index is missing", "write an index, or `:` for the whole axis"),
        "LPAR": ("nothing stands between the brackets", "write a value"),
        "RETURN": ("`return` has no value", "write what the function returns"),
    }
    if (token is not None and token.type in OPERATORS - {"NOT", "SIGN"}) or before.type in OPERATORS:
        title = f"a value is missing after `{before}`" if token is None else f"a value is missing before `{token}`"
        hint = "write what is missing, or remove the sign"
        if token is None:
            hint = "a statement goes on in the next line only inside brackets: `x = (a +` and then `b)`"
        return f.error("E009", title, None, "", hint)
    if token is not None and token.type not in ("RPAR", "RSQB", "RBRACE", "COMMA", "FOR", "_SEPARATOR", "EQUAL"):
        return None
    if before.type not in needs:
        return None
    title, hint = needs[before.type]
    if token is not None and token.type == "COMMA":
        title, hint = "a value is missing before the comma", "remove the comma or write what is missing"
    return f.error("E009", title, None, "", hint)


def text_range(f: Failure) -> Diagnostic | None:
    """A colon where no slice can be."""
    if f.type(f.position) != "COLON" or f.first.type in (*DECLARATIONS, "ENERGY", "DEF"):
        return None
    if f.has_value or f.needs_value:
        if "RSQB" in f.accepts:
            return f.error("E001", "a slice has no step", None, "", "write `x[start:stop]`")
        hint = "a range only stands in an index (`y[1:]`) or after a dim (`for t in time[1:]`)"
        return f.error("E001", "a range cannot stand here", None, "", hint)
    return None


def two_values(f: Failure) -> Diagnostic | None:
    """Two values with nothing between them."""
    token = f.token
    starts = ("NAME", "INT", "FLOAT", "LPAR", "STRING", "TRUE", "FALSE", "NOT", "LBRACE", "LSQB")
    if token is None or f.before is None or token.type not in starts or not f.has_value:
        return None
    if token.type == "LPAR":
        if f.before.type in ("RPAR", "RSQB", "INT", "FLOAT"):
            hint = "to multiply, write `*` before the bracket; only a function's name can be called"
            return f.error("E001", "this cannot be called", None, "", hint)
        return None
    hints = []
    if f.before.type in ("INT", "FLOAT") and token.type == "NAME":
        hints.append(f"to multiply, write `{f.before} * {token}`")
    elif "COMMA" in f.accepts:
        hints.append(f"write a comma, `{f.before}, {token}`, or an operator")
    else:
        hints.append("write an operator; each statement has a line of its own, and comments begin with `#`")
    title = f"something is missing between `{f.before}` and `{messages.shortened(str(token))}`"
    return f.error("E001", title, None, "", *hints)


def after_block(f: Failure) -> Diagnostic | None:
    """`for i in obs { ... } x = 1`."""
    if f.type(f.position - 1) == "RBRACE" and not f.accepts - {"$END"}:
        if f.type(f.position) == "ELSE":
            hint = "to choose between values: `x = a if c else b`"
            return f.error("E029", "there is no `else` statement", None, "", hint)
        return f.error("E001", "a block ends its line", None, "", "write the next statement on a line of its own")
    return None
