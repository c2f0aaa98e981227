"""Syntax errors told from the place where the parser stopped: what stands there, and what belongs there."""

from __future__ import annotations

from ppl.errors import Diagnostic
from ppl.grammar import messages
from ppl.grammar.failure import KEYWORD_TYPES, STATEMENT_WORDS, Failure
from ppl.grammar.mistakes import recognise

CONTINUING = frozenset({"SIGN", "FACTOR", "POWER", "AND", "OR", "COMPARISON", "BOUND", "DOT", "COMMA", "ELSE", "COLON"})
OPERATORS = frozenset({"SIGN", "FACTOR", "POWER", "COMPARISON", "BOUND", "AND", "OR", "NOT", "IF", "ELSE"})
DECLARATIONS = frozenset({"DATA", "VAR"})
SHAPES = {
    "MODEL": "model eight_schools",
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


# --- the beginning of a line -------------------------------------------------------------------------


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
    if f.position:
        return None
    word = str(f.first)
    if f.start == "body_line":
        if f.first.type in KEYWORD_TYPES:
            hint = "its lines are `a = ...`, and the last is `return ...`"
            return f.error("E028", f"`{word}` cannot stand in a function's block", None, "", hint)
        return None
    if f.first.type == "RETURN":
        hint = "write it as the last line between the braces of a `def`"
        return f.error("E028", "`return` stands outside a function", None, "", hint)
    if f.start == "inner" and f.first.type in STATEMENT_WORDS:
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
            hint = "a statement begins with a name or with one of its words: " + ", ".join(sorted(SHAPES_WORDS))
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
        hints = [f"write `{name} ~ ...` or `{name} = ...`", "statements are: " + ", ".join(sorted(SHAPES_WORDS))]
        return f.error("E037", f"`~` or `=` is missing after `{name}`", None, "", *hints)
    return None


SHAPES_WORDS = frozenset({"model", "dim", "data", "var", "energy", "predict", "observe", "def", "for"})


# --- inside declarations -----------------------------------------------------------------------------


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


# --- names and values --------------------------------------------------------------------------------


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


def after_block(f: Failure) -> Diagnostic | None:
    """`for i in obs { ... } x = 1`."""
    if f.type(f.position - 1) == "RBRACE" and not f.accepts - {"$END"}:
        if f.type(f.position) == "ELSE":
            hint = "to choose between values: `x = a if c else b`"
            return f.error("E029", "there is no `else` statement", None, "", hint)
        return f.error("E001", "a block ends its line", None, "", "write the next statement on a line of its own")
    return None


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
