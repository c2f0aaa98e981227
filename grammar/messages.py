"""What is wrong with characters, numbers, names, brackets and sizes, in the reader's terms."""

from __future__ import annotations

import unicodedata

from lark import Token

from ppl.errors import Diagnostic
from ppl.grammar import limits
from ppl.source import Span


class Fatal(Exception):
    """Nothing after this can be read."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.title)
        self.diagnostic = diagnostic


class Enough(Exception):
    """More errors than a reader is shown."""


def at(token: Token) -> Span:
    """Where a token stands."""
    return Span(token.start_pos or 0, token.end_pos or 0)


# --- brackets ----------------------------------------------------------------------------------------

CLOSING = {"(": ")", "[": "]", "{": "}"}


def unclosed(opener: Token, found: Token | None) -> Diagnostic:
    """E002. found: the bracket around it that closes too early, None where a line or the text ends."""
    closer = CLOSING[str(opener)]
    where = f"before the `{found}` that closes the bracket around it" if found else "where the bracket should end"
    return Diagnostic("E002", f"`{opener}` is never closed", at(opener), "opened here", (f"write `{closer}` {where}",))


def mismatched(opener: Token, closer: Token) -> Diagnostic:
    """E003: `(a]`."""
    hint = f"write `{CLOSING[str(opener)]}`"
    return Diagnostic("E003", f"`{closer}` cannot close `{opener}`", at(closer), "", (hint,))


def unopened(closer: Token) -> Diagnostic:
    """E003: a closing bracket with none to close."""
    return Diagnostic(
        "E003",
        f"`{closer}` closes nothing",
        at(closer),
        "no bracket of this kind is open here",
        (f"remove this `{closer}`, or open it where it should begin",),
    )


# --- characters --------------------------------------------------------------------------------------

# What people paste or type for a sign of the language.
MEANT = {
    "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'", "−": "-", "–": "-", "—": "-",
    "×": "*", "·": "*", "⋅": "*", "∗": "*", "÷": "/", "∕": "/", "≤": "<=", "≥": ">=", "≠": "!=", "∼": "~", "˜": "~",
    "←": "=", "≔": "=", "∈": "in", "∧": "and", "∨": "or", "¬": "not", "²": "^2", "³": "^3", "⁻": "^-", "√": "sqrt(...)",
    "∑": "sum(... for i in dim)", "∏": "prod(... for i in dim)",
}  # fmt: skip
SYMBOLS = frozenset("~=<>+-*/%^@,:;.?()[]{}!|&\"'#$\\")


def unknown(text: str, span: Span) -> Diagnostic:
    """text: one character, or a run of characters, that no token begins with."""
    first = text[0]
    if first in "\"'" and len(text) == 1:
        return Diagnostic(
            "E008",
            "the quote is never closed",
            span,
            "opened here",
            (f"close it on the same line: theta[{first}Choate{first}]", "the transpose of a matrix is `transpose(a)`"),
        )
    name = unicodedata.name(first, "")
    point = f"U+{ord(first):04X}" + (f", {name.lower()}" if name else "")
    category = unicodedata.category(first)
    meant = MEANT.get(first)
    if meant is None:
        plain = unicodedata.normalize("NFKC", first)
        meant = plain if plain in SYMBOLS and plain != first else None
    if first in "\"'":
        hint = "quote a label with one pair of quotes"
    elif category[0] in "ZC":
        title = f"an invisible character ({point})"
        return Diagnostic("E004", title, span, "here", ("delete it and type a plain space if one is needed",))
    elif meant is not None:
        hint = f"write `{meant}`"
    elif first == "∞":
        hint = "a side that nothing bounds is left out: `data x > 0`, `truncated(Normal(0, 1), lower=0)`"
    elif first == "$":
        hint = "a part of a value is written with a dot (`z.prey`) or an index (`z[prey]`)"
    elif first == "\\":
        hint = "a statement goes on in the next line inside brackets, with no mark at the end of the line"
    elif first == "&":
        hint = "write `and`"
    elif category[0] in "NM":
        hint = "names are made of letters, digits and `_`, and begin with a letter or `_`"
    else:
        hint = "remove it; if it is part of a remark, put `#` before the remark"
    shown = first if first.isprintable() else ""
    return Diagnostic("E004", f"the character `{shown}` ({point}) has no meaning here", span, "", (hint,))


# --- numbers and names -------------------------------------------------------------------------------


def bad_number(token: Token) -> Diagnostic:
    """E005: `0x10`, `1.2.3`, `1_000`, `10L`, `2x`."""
    text = str(token)
    digits = text.replace("_", "")
    before = text[: next((i for i, c in enumerate(text) if c.isalpha() or c == "_"), len(text))]
    rest = text[len(before) :]
    if text.lower().startswith(("0x", "0b", "0o")):
        hint = "write the number in decimal"
    elif text.count(".") > 1:
        hint = "a number has one decimal point"
    elif "_" in text and digits.replace(".", "", 1).isdigit():
        hint = f"write {digits}"
    elif text[-1] in "lL" and text[:-1].isdigit():
        hint = f"write {text[:-1]}"
    elif text[-1] in "eE+-" and before.rstrip(".").isdigit():
        hint = "an exponent needs digits: 1e3"
    elif rest.isidentifier() and before:
        hint = f"to multiply, write {before} * {rest}; a name begins with a letter or `_`"
    else:
        hint = "numbers look like 3, 0.5 or 1e-3"
    return Diagnostic("E005", f"`{shortened(text)}` is not a number", at(token), "", (hint,))


def number_out_of_range(token: Token, large: bool) -> Diagnostic:
    """E006, too large or too small for a double, or for a whole number of 64 bits."""
    title = f"the number `{shortened(str(token))}` is too {'large' if large else 'small'}"
    label = "beyond what a double can hold" if large else "a double would hold 0"
    if token.type == "INT":
        label, hint = "whole numbers go up to 9223372036854775807", "write it with an exponent: 1e20"
    else:
        hint = "numbers lie between 1e-300 and 1e300; rescale the quantity, or work with its logarithm"
    return Diagnostic("E006", title, at(token), label, (hint,))


def number_too_long(token: Token) -> Diagnostic:
    """E006, with more characters than a number may have."""
    hint = f"at most {limits.NUMBER_LENGTH} characters; 17 digits are all that a double keeps"
    return Diagnostic("E006", "a number with too many digits", at(token), "", (hint,))


def boolean_spelling(token: Token) -> Diagnostic:
    """E039: `TRUE`."""
    return Diagnostic("E039", f"`{token}` is not how it is written", at(token), "", (f"write `{token.lower()}`",))


def name_too_long(token: Token) -> Diagnostic:
    """E034."""
    hint = f"names have at most {limits.NAME_LENGTH} characters"
    return Diagnostic("E034", f"the name `{shortened(str(token))}` is too long", at(token), "", (hint,))


def not_a_name(token: Token) -> Diagnostic:
    """A word with a character that no name may have."""
    bad = next((c for c in token if not ("a" + c).isidentifier()), token[0])
    hint = f"`{bad}` cannot be part of a name: use letters, digits and `_`"
    if bad in MEANT:
        hint = f"`{bad}` cannot be part of a name; for a power write `{MEANT[bad]}`"
    return Diagnostic("E004", f"`{shortened(str(token))}` is not a name", at(token), "", (hint,))


def keyword_as_name(token: Token, word: str) -> Diagnostic:
    """E007. token: as written; word: the word of the language that it is."""
    return Diagnostic(
        "E007",
        f"`{word}` is a word of the language and cannot be a name",
        at(token),
        "a name is needed here",
        (f"call it something else, for instance `{word}_` or `{word}_value`",),
    )


def shortened(text: str) -> str:
    """At most 30 characters of a text, for a title."""
    return text if len(text) <= 30 else text[:27] + "..."


# --- comments and line ends --------------------------------------------------------------------------


def comment_sign(sign: str, span: Span) -> Diagnostic:
    """E013: `//` and `/*`."""
    return Diagnostic("E013", f"`{sign}` does not begin a comment", span, "", ("comments begin with `#`",))


def semicolon(span: Span, more: int) -> Diagnostic:
    """E012, told once. more: how many others the text has."""
    hints = ["a statement ends with its line: remove the `;`"]
    if more:
        hints.append(f"(and the {more} more in this text)" if more > 1 else "(and the other one in this text)")
    return Diagnostic("E012", "no `;` at the end of a statement", span, "", tuple(hints))


# --- sizes -------------------------------------------------------------------------------------------


def text_too_long(length: int) -> Diagnostic:
    """E030. length: in characters."""
    hint = f"the limit is {limits.CHARACTERS:,}; long tables belong in the data, not in the model"
    return Diagnostic("E030", f"the text has {length:,} characters", None, "", (hint,))


def too_many_tokens(token: Token) -> Diagnostic:
    """E031, at the first token too many."""
    hint = f"the limit is {limits.TOKENS:,}; long tables belong in the data, not in the model"
    return Diagnostic("E031", "the text has too many words and signs", at(token), "the limit is reached here", (hint,))


def nested_too_deeply(token: Token) -> Diagnostic:
    """E032, at the first bracket too deep."""
    hint = f"at most {limits.NESTING} levels: give a name to an inner part with `part = ...`"
    return Diagnostic("E032", "brackets are nested too deeply", at(token), "one bracket too many", (hint,))


def expression_too_deep(span: Span) -> Diagnostic:
    """E033, the whole expression."""
    hints = (
        f"at most {limits.DEPTH} operations one within another; a sum of n terms counts n",
        "name its parts, `part = ...`, or sum over a dim: `sum(x[k] * b[k] for k in feature)`",
    )
    return Diagnostic("E033", "the expression is too long", span, "", hints)


def blocks_too_deep(span: Span) -> Diagnostic:
    """E035, at the first block too deep."""
    hint = f"at most {limits.BLOCKS} levels; one loop can name several indices: `for i in obs, j in group`"
    return Diagnostic("E035", "blocks are nested too deeply", span, "", (hint,))


def too_many_errors() -> Diagnostic:
    """E042, after the last error that is shown."""
    return Diagnostic("E042", f"more than {limits.ERRORS} errors; the rest are not shown")
