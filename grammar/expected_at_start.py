"""Syntax errors at the beginning of a line: what cannot begin a statement, and what no statement begins like."""

from __future__ import annotations

from ppl.errors import Diagnostic
from ppl.grammar import messages
from ppl.grammar.failure import CONTINUING, KEYWORD_TYPES, STATEMENT_WORDS, Failure

WORDS = frozenset({"model", "dim", "data", "var", "energy", "predict", "observe", "def", "for", "use"})


def keyword_on_the_left(f: Failure) -> Diagnostic | None:
    """`if ~ Normal(0, 1)`, `data[obs] = 3`."""
    if f.first.type not in KEYWORD_TYPES or f.position > 1 or (f.first.type in ("NOT", "TRUE", "FALSE") and f.position):
        return None
    after = f.type(1)
    if after == "LSQB":
        closing = f.find("RSQB")
        after = f.type(closing + 1) if closing > 0 else ""
    if after in ("TILDE", "EQUAL"):
        return messages.keyword_as_name(f.first, str(f.first))
    return None


def misplaced_statement(f: Failure) -> Diagnostic | None:
    """`return` outside a function, a declaration inside a block."""
    word = str(f.first)
    library = word == "use" and f.position == 1 and f.type(1) == "NAME"
    if f.position and not library:
        return None
    if f.start == "body_line":
        if f.first.type in KEYWORD_TYPES:
            hint = "its lines are `a = ...`, and the last is `return ...`"
            return f.error("E028", f"`{word}` cannot stand in a function's block", None, "", hint)
        return None
    if f.first.type == "RETURN":
        hint = "write it as the last line between the braces of a `def`"
        return f.error("E028", "`return` stands outside a function", None, "", hint)
    if f.start == "inner" and (f.first.type in STATEMENT_WORDS or library):
        hint = "write it outside the block: a block holds `~`, `=`, `predict` and `energy` statements"
        return f.error("E028", f"`{word}` cannot stand in a block", None, "", hint)
    return None


def continuation(f: Failure) -> Diagnostic | None:
    """A line that begins with an operator: `+ b`."""
    if f.position or f.first.type not in CONTINUING:
        return None
    if f.word(0) == "%" or (f.word(0) == f.word(1) == "-" and f.adjacent(0)):
        return messages.comment_sign("%" if f.word(0) == "%" else "--", f.span(0, 1 if f.word(0) == "%" else 2))
    return f.error(
        "E040",
        f"a statement cannot begin with `{f.first}`",
        None,
        "",
        "to go on with the line above, put the whole expression in brackets: `x = (a` and then `+ b)`",
    )


def missing_left(f: Failure) -> Diagnostic | None:
    """`~ Normal(0, 1)`."""
    if f.position or f.first.type not in ("TILDE", "EQUAL"):
        return None
    hint = f"write the quantity's name on the left: `x {f.first} {f.text(1)}`"
    return f.error("E009", f"nothing stands before `{f.first}`", None, "", hint)


def two_relations(f: Failure) -> Diagnostic | None:
    """A second `~` or `=` in one statement; `a ~ Normal(0, 1), b ~ Normal(0, 1)`."""
    kind = f.type(f.position)
    if kind == "COMMA" and f.has_value and "RPAR" not in f.accepts and "RSQB" not in f.accepts:
        again = any(f.type(i) in ("TILDE", "EQUAL") for i in range(f.position + 1, len(f.tokens)))
        hint = f"begin a new line: `{f.text(f.position + 1)}`"
        return (
            f.error("E036", "two statements on one line", None, "", hint) if again and f.first.type == "NAME" else None
        )
    if kind not in ("TILDE", "EQUAL"):
        return None
    depth, earlier = 0, -1
    for i in range(f.position):
        depth += (f.type(i) in ("LPAR", "LSQB", "LBRACE")) - (f.type(i) in ("RPAR", "RSQB", "RBRACE"))
        if depth == 0 and f.type(i) in ("TILDE", "EQUAL"):
            earlier = i
    if depth or earlier < 0:
        return None
    first, second = f.word(earlier), f.word(f.position)
    if earlier == f.position - 1:
        hint = f"remove one: `{f.text(0, earlier)} {first} {f.text(f.position + 1)}`"
        title = f"`{first}` stands twice" if first == second else f"both `{first}` and `{second}`"
    else:
        both = f"two `{first}`" if first == second else f"both `{first}` and `{second}`"
        title = f"{both} in one statement"
        hint = "write two statements, one a line"
    return f.error("E036", title, None, "the second one", hint)


def bare_expression(f: Failure) -> Diagnostic | None:
    """A name, a call or a formula with nothing that says what it means."""
    if f.start == "body_line" and f.first.type == "NAME" and f.position == 1:
        title = "a line of a function gives one name a value"
        hint = "write `a = ...`; the last line is `return ...`"
        return f.error("E028", title, f.span(0, 2), "", hint)
    if "TILDE" not in f.accepts or f.first.type != "NAME":
        if f.position == 0 and f.start != "body_line":
            hint = "a statement begins with a name or with one of its words: " + ", ".join(sorted(WORDS))
            return f.error("E037", f"a statement cannot begin with `{f.first}`", None, "", hint)
        return None
    if f.type(f.position) == "LPAR":
        relation = next((i for i in range(len(f.tokens)) if f.type(i) == "TILDE"), -1)
        if relation > 0:
            name = f"{f.word(0)}_{f.word(2)}" if f.type(2) == "NAME" else "x"
            hint = f"name the value first, `{name} = {f.text(0, relation)}`, then `{name} {f.text(relation)}`"
            return f.error("E037", "a call cannot stand on the left of `~`", f.span(0, relation), "", hint)
        call = f.text(0)
        hints = [f"to give its value a name: `x = {call}`"]
        if f.word(0)[:1].isupper():
            hints = [f"to draw from it: `x ~ {call}`"]
        return f.error("E037", "a call alone says nothing", f.span(0, len(f.tokens)), "", *hints)
    if f.type(f.position) == "COLON":
        name = f.text(0, f.position)
        hints = [f"types belong to declarations: `data {name} : ...` or `var {name} : ...`"]
        hints.append(f"a term of the energy is `energy {f.word(0)}: ...`")
        return f.error("E037", "a type cannot stand here", None, "", *hints)
    if not f.at_end and f.type(f.position) in CONTINUING - {"COMMA"}:
        hint = f"to give its value a name: `y = {f.text(0)}`"
        return f.error("E037", "an expression alone says nothing", f.span(0, len(f.tokens)), "", hint)
    if f.at_end:
        name = f.text(0, f.position)
        hints = [f"to draw it: `{name} ~ Normal(0, 1)`; to compute it: `{name} = ...`; to read it: `data {name}`"]
        return f.error("E037", f"`{name}` alone says nothing", f.span(0, f.position), "", *hints)
    if f.type(f.position) in ("NAME", "INT", "FLOAT"):
        name = f.text(0, f.position)
        hints = [f"write `{name} ~ ...` or `{name} = ...`", "statements are: " + ", ".join(sorted(WORDS))]
        return f.error("E037", f"`~` or `=` is missing after `{name}`", None, "", *hints)
    return None
