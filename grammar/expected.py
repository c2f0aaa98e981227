"""Syntax errors told from the place where the parser stopped: what stands there, and what belongs there."""

from __future__ import annotations

from ppl.errors import Diagnostic
from ppl.grammar import messages
from ppl.grammar.expected_at_start import (
    bare_expression,
    continuation,
    keyword_on_the_left,
    misplaced_statement,
    missing_left,
    two_relations,
)
from ppl.grammar.expected_in_expressions import (
    after_block,
    keyword_for_a_name,
    missing_else,
    missing_value,
    text_range,
    two_values,
)
from ppl.grammar.expected_in_statements import (
    declaration_form,
    dim_form,
    energy_form,
    function_form,
    loop_form,
    title_form,
    wrong_relation,
)
from ppl.grammar.failure import Failure
from ppl.grammar.mistakes import recognise

# The first answer counts, so their order matters.
RULES = (
    keyword_on_the_left,
    recognise,
    misplaced_statement,
    continuation,
    missing_left,
    two_relations,
    dim_form,
    declaration_form,
    title_form,
    energy_form,
    wrong_relation,
    loop_form,
    bare_expression,
    keyword_for_a_name,
    function_form,
    text_range,
    missing_else,
    missing_value,
    two_values,
    after_block,
)

SHAPES = {
    "MODEL": "model eight_schools",
    "USE": "use gates",
    "DIM": "dim obs, comp = 3, species = {prey, predator}, time ordered",
    "DATA": "data y[obs], floor[obs] : bool, sigma[obs] > 0, p[obs] in [0, 1]",
    "VAR": "var s[site] : spin, b > 0, c in [0, 1]",
    "ENERGY": "energy name: expression",
    "PREDICT": "predict y_new[obs] ~ Normal(mu[obs], sigma)",
    "OBSERVE": "observe c = +1",
    "DEF": "def f(x, y) = x + y",
    "FOR": "for i in obs { ... }",
}


def explain(f: Failure) -> Diagnostic:
    """The one diagnostic for a line that did not parse."""
    for rule in RULES:
        diagnostic = rule(f)
        if diagnostic is not None:
            return diagnostic
    return generic(f)


# --- whatever is left --------------------------------------------------------------------------------

WORDS = {
    "RPAR": "`)`", "RSQB": "`]`", "RBRACE": "`}`", "LPAR": "`(`", "LSQB": "`[`", "LBRACE": "`{`", "COMMA": "a comma",
    "COLON": "`:`", "TILDE": "`~`", "EQUAL": "`=`", "IN": "`in`", "ELSE": "`else`", "NAME": "a name", "INT": "a number",
    "RETURN": "`return`", "FROM": "`from`", "ORDERED": "`ordered`", "UNNORMALISED": "`unnormalised`",
    "_SEPARATOR": "a new line",
}  # fmt: skip


def generic(f: Failure) -> Diagnostic:
    """What stands there, and what could: for a mistake that nothing else knows."""
    shown = f"`{messages.shortened(str(f.token))}` cannot stand here" if f.token else "the statement ends too early"
    if f.token is not None and f.token.type == "_SEPARATOR":
        shown = "the line ends too early"
    if f.needs_value:
        wanted = ["a value"]
    else:
        wanted = [WORDS[t] for t in WORDS if t in f.accepts]
        if f.has_value:
            wanted.append("an operator")
        if not f.at_end and "$END" in f.accepts:
            wanted.append("the end of the line")
    label = ("expected " + alternatives(wanted)) if 0 < len(wanted) <= 5 else ""
    shape = SHAPES.get(f.first.type)
    return f.error("E001", shown, None, label, f"this statement looks like `{shape}`" if shape else "")


def alternatives(words: list[str]) -> str:
    """`a, b or c`."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]
