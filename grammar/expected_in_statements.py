"""Syntax errors inside statements that begin with a word: how a declaration, a loop, a function is written."""

from __future__ import annotations

from ppl.errors import Diagnostic
from ppl.grammar.failure import DECLARATIONS, Failure


def dim_form(f: Failure) -> Diagnostic | None:
    """`dim obs[10]`, `dim obs = n`, `dim level = {1, 2}`."""
    if f.first.type != "DIM" or f.position < 2:
        return None
    names = (f.word(i) for i in range(f.position - 1, 0, -1) if f.type(i) == "NAME" and f.type(i - 1) != "EQUAL")
    name = next(names, "")
    kind, word = f.type(f.position), f.word(f.position)
    sized = f"`dim {name} = 3`, or `dim {name}` alone to take the size from the data"
    if kind in ("LSQB", "LPAR") and "EQUAL" in f.accepts:
        return f.error("E038", "a dim has no brackets", None, "", f"write {sized}")
    if kind == "COLON" and "EQUAL" in f.accepts:
        return f.error("E038", "a dim has no type", None, "", f"write {sized}")
    if f.type(f.position - 1) == "EQUAL":
        if f.at_end:
            return f.error("E009", "the size is missing", None, "", f"write {sized}")
        if kind == "NAME":
            hint = f"write {sized}; labels are `{{a, b}}`"
            return f.error("E038", f"`{word}` is not a size", None, "a size is a whole number", hint)
        return f.error("E038", "a size is a whole number", None, "", f"write {sized}")
    if f.type(f.position - 1) == "INT" and kind == "COLON":
        return f.error("E038", "a dim is not a range", None, "", f"write {sized}")
    if kind == "NAME" and "ORDERED" in f.accepts:
        hint = "write a comma between dims; the one word that may follow a dim is `ordered`"
        return f.error("E038", f"`{word}` cannot follow a dim", None, "", hint)
    if f.find("LBRACE") > 0 and kind in ("INT", "FLOAT", "SIGN"):
        hint = f"labels are names or quoted text; for numbered elements write `dim {name} = 3`"
        return f.error("E038", "a number is not a label", None, "", hint)
    return None


def declaration_form(f: Failure) -> Diagnostic | None:
    """`data y ~ Normal(0, 1)`, `data y(obs)`, `var b in (0, 1)`."""
    if f.first.type not in DECLARATIONS or f.position < 2:
        return None
    statement = str(f.first)
    kind, word = f.type(f.position), f.word(f.position)
    start = f.position - 1
    while start > 1 and f.type(start - 1) not in ("COMMA", "DATA", "VAR"):
        start -= 1
    marks = (i for i in range(start, f.position) if f.type(i) in ("COLON", "BOUND", "IN", "MISSING"))
    item = f.text(start, next(marks, f.position))
    if kind == "LPAR" and f.type(f.position - 1) == "IN":
        hint = "write `in [a, b]`; whether the ends belong to it makes no difference to a density"
        return f.error("E038", "an interval has square brackets", None, "", hint)
    if kind == "EQUAL" and f.word(f.position - 1) in ("lower", "upper"):
        hint = f"write `{statement} {item} > 0` or `{statement} {item} in [0, 1]`"
        return f.error("E038", "bounds are written as a comparison", f.span(f.position - 2, f.position + 1), "", hint)
    if kind == "TILDE":
        right = f.text(f.position + 1)
        hints = [f"write `{item} ~ {right}` on a line of its own"]
        if statement == "var":
            hints = [f"a latent with a distribution needs no `var`: `{item} ~ {right}`"]
        return f.error("E038", f"`{statement}` only declares", None, "", *hints)
    if kind == "EQUAL":
        right = f.text(f.position + 1)
        hints = [f"a value in the text: `{item} = {right}`"]
        if statement == "data":
            hints.append(f"a value from outside: `data {item}`, and give it with the data")
        return f.error("E038", f"`{statement}` gives no value", None, "", *hints)
    if kind == "LPAR" and "LSQB" in f.accepts:
        return f.error("E038", "axes are written in square brackets", None, "", f"write `{item}[obs]`")
    if "COLON" in f.accepts and kind == "NAME" and f.type(f.position - 1) == "NAME":
        hint = f"a type follows the name and a colon: `{statement} {word} : {f.before}`; or is a comma missing?"
        return f.error("E038", f"`{word}` cannot follow `{f.before}`", None, "", hint)
    inside_axes = f.type(f.position - 1) in ("LSQB", "COMMA") and f.find("LSQB", start) in range(start, f.position)
    if kind in ("INT", "FLOAT") and inside_axes and "INT" not in f.accepts:
        hint = f"name the axis: `dim n = {word}` and then `[n]`; or `dim n` to take the size from the data"
        return f.error("E038", "an axis is the name of a dim", None, "", hint)
    if kind == "RSQB" and f.type(f.position - 1) == "LSQB":
        hint = "name the dims, or leave out the brackets"
        return f.error("E038", "no axis is named", None, "", hint)
    if kind == "BOUND" and f.type(f.position - 2) == "BOUND":
        return f.error("E038", "two bounds", None, "the second one", "write `in [a, b]`")
    if f.type(f.position - 1) == "FROM":
        return f.error("E038", "`from` needs a whole number", None, "", "write `from 1` if positions count from 1")
    if kind == "LPAR" and f.type(f.position - 1) == "NAME" and "BOUND" in f.accepts:
        hint = "a type is a plain word; bounds follow it: `: real > 0`"
        return f.error("E038", "a type has no arguments", None, "", hint)
    return None


def title_form(f: Failure) -> Diagnostic | None:
    """`model eight schools`."""
    if f.first.type != "MODEL" or f.position < 2:
        return None
    title = "_".join(str(t) for t in f.tokens[1:] if t.type == "NAME")
    return f.error("E038", "the title is one name", f.span(1, len(f.tokens)), "", f"write `model {title}`")


def energy_form(f: Failure) -> Diagnostic | None:
    """`energy: x^2`, `energy e = x^2`."""
    if f.first.type != "ENERGY" or f.position > 2:
        return None
    hint = "write `energy name: expression`; the name labels the term in reports"
    if f.position == 2 and f.type(2) == "NAME" and f.word(2) in ("unnormalized", "normalised", "normalized"):
        mark = f"energy {f.word(1)} unnormalised:"
        return f.error("E038", "the mark of an energy is `unnormalised`", None, "", f"write `{mark} ...`")
    if f.type(1) == "COLON":
        return f.error("E038", "the term has no name", f.span(0, 2), "", hint)
    if f.position == 2 and f.type(2) in ("EQUAL", "TILDE"):
        return f.error("E038", "a term of the energy is given after a colon", None, "", hint)
    if f.position == 2 and f.type(2) == "LSQB":
        more = "the indices in the expression already say over what it runs"
        return f.error("E038", "the name of a term has no indices", None, "", hint, more)
    return None


def wrong_relation(f: Failure) -> Diagnostic | None:
    """`predict y = ...`, `observe c ~ ...`."""
    if f.first.type == "PREDICT" and f.type(f.position) == "EQUAL" and "TILDE" in f.accepts:
        name, value = f.text(1, f.position), f.text(f.position + 1)
        hint = f"a computed value is recorded anyway: `{name} = {value}`"
        return f.error("E038", "`predict` draws from a distribution", None, "`~` is needed here", hint)
    if f.first.type == "OBSERVE" and f.type(f.position) == "TILDE":
        name, value = f.text(1, f.position), f.text(f.position + 1)
        hint = f"a quantity declared with `data` is observed by its own statement: `{name} ~ {value}`"
        return f.error("E038", "`observe` clamps to a value", None, "`=` is needed here", hint)
    return None


def loop_form(f: Failure) -> Diagnostic | None:
    """`for i in obs` without a block, `x = sum(a for i = obs)`."""
    loop = f.find("FOR")
    if loop < 0 or f.position <= loop:
        return None
    if loop == 0 and f.at_end and "LBRACE" in f.accepts:
        hints = (
            "write the statements between `{` and `}`",
            "or the loop at the end of a statement: `x[i] = ... for i in obs`",
        )
        return f.error("E017", "the loop has no block", None, "", *hints)
    if f.type(f.position - 1) == "IN" and "INT" not in f.accepts:
        return f.error(
            "E016", "a loop runs over a dim", None, "the name of a dim is needed here", "write `for i in obs`"
        )
    if f.type(f.position) == "EQUAL" and "IN" in f.accepts:
        return f.error("E016", "a loop is written with `in`", None, "", f"write `for {f.before} in obs`")
    if f.type(f.position) == "LPAR" and f.type(f.position - 1) == "FOR":
        return f.error("E016", "a `for` has no parentheses", None, "", "write `for i in obs`")
    return None


def function_form(f: Failure) -> Diagnostic | None:
    """`def f = 1`, `def f(x)`, a block without `return`."""
    if f.first.type != "DEF":
        return None
    hint = "write `def f(x, y) = x + y`, or `def f(x) {`, then `a = ...`, `return ...` and `}`"
    if f.position == 2:
        return f.error("E023", "a function's parameters follow its name in brackets", None, "", hint)
    opening = f.find("LBRACE")
    if 0 <= opening < f.position:
        if f.type(f.position) == "RBRACE":
            return f.error("E023", "the function returns nothing", None, "", "write `return ...` as its last line")
        if f.type(f.position) == "_SEPARATOR":
            return f.error("E023", "`return` is the last line of a function", None, "", "remove the lines after it")
    if f.type(f.position - 1) == "RPAR" and "EQUAL" in f.accepts:
        return f.error("E023", "the function has no body", None, "", hint)
    return None
