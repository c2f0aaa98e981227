"""First mistakes of people who come from Python, and from elsewhere."""

from __future__ import annotations

from ppl.errors import Diagnostic
from ppl.grammar.failure import Failure


def python_loop(f: Failure) -> Diagnostic | None:
    """`for i in obs:`."""
    if f.first.type != "FOR" or f.type(f.position) != "COLON":
        return None
    head = f.text(0, f.position)
    dim = f.word(3) if f.type(3) == "NAME" else "obs"
    return f.error(
        "E017",
        "a `for` block has braces, not a colon",
        f.span(f.position),
        "",
        f"often no loop is needed, a dim's own name stands for each element: `y[{dim}] ~ Normal(mu[{dim}], sigma)`",
        f"else write `{head} {{`, the statements, and `}}`",
    )


def comparison_statement(f: Failure) -> Diagnostic | None:
    """`x == 3`."""
    if f.word(f.position) != "==" or f.has_value or f.first.type not in ("NAME", "OBSERVE"):
        return None
    start = 1 if f.first.type == "OBSERVE" else 0
    name, value = f.text(start, f.position), f.text(f.position + 1)
    hints = [f"to clamp a quantity: `observe {name} = {value}`"]
    if not start:
        hints.insert(0, f"to define a value: `{name} = {value}`")
    return f.error("E018", "`==` compares, it defines nothing", None, "", *hints)


FOREIGN_OPERATORS = {
    "**": "write `^`",
    "&&": "write `and`",
    "||": "write `or`",
    "!": "write `not`",
    ":=": "write `=`",
    "|": "what a quantity depends on is an argument of its distribution: `y ~ Normal(mu, sigma)`",
}


def foreign_operator(f: Failure) -> Diagnostic | None:
    """`x ** 2`, `a && b`, `!a`, `x := 1`, `y | mu`."""
    operator = f.word(f.position)
    if f.type(f.position) != "BAD_OPERATOR" or operator not in FOREIGN_OPERATORS:
        return None
    hint = FOREIGN_OPERATORS[operator]
    if operator == "**" and f.before is not None:
        hint = f"powers are written with `^`: `{f.before}^{f.word(f.position + 1)}`"
    return f.error("E019", f"`{operator}` is not an operator here", None, "", hint)


def imports(f: Failure) -> Diagnostic | None:
    """`import numpy as np`, `library(rstan)`."""
    if f.word(0) in ("import", "library", "require", "using", "include") or (
        f.word(0) == "from" and "import" in (str(t) for t in f.tokens)
    ):
        hint = "remove the line: every distribution and function is there already"
        return f.error("E020", "nothing is imported", f.span(0, len(f.tokens)), "", hint)
    return None


def anonymous_function(f: Failure) -> Diagnostic | None:
    """`z = map(lambda x: x + 1, y)`, `z = sapply(y, function(x) x)`."""
    near = [i for i in range(f.position - 1, max(-1, f.position - 3), -1) if f.word(i) in ("lambda", "function")]
    if f.type(f.position - 1) == "RPAR":
        opening = max((i for i in range(f.position) if f.type(i) == "LPAR"), default=0)
        near += [opening - 1] if f.word(opening - 1) == "function" else []
    for i in near:
        if f.type(i) == "NAME":
            hint = "define it on a line of its own, `def f(x) = ...`, and pass `f`"
            return f.error("E021", "a function is not written inside an expression", f.span(i), "", hint)
    return None


def literal_list(f: Failure) -> Diagnostic | None:
    """`x = [1, 2, 3]`, `x = {a, b}`."""
    if f.word(f.position) not in ("[", "{") or not f.needs_value:
        return None
    if f.word(f.position) == "[":
        return f.error(
            "E022",
            "a list cannot be written out here",
            None,
            "",
            "numbers that were measured belong in the data: `data x[obs]`",
            "a few values over `dim comp = 3`: `x = stack(comp, 1, 2, 3)`; one value everywhere: `fill(1, comp)`",
        )
    hints = ["braces only list the labels of a dim, `dim species = {prey, predator}`, or hold a block"]
    if f.type(f.position - 1) == "EQUAL" and f.type(0) == "NAME" and f.position == 2:
        hints.append(f"for a dim: `dim {f.text(0)}`")
    return f.error("E022", "a set cannot be a value", None, "", *hints)


def python_def(f: Failure) -> Diagnostic | None:
    """`def f(x): return x`, `def f(x: real) = x`, `def f(x=1) = x`."""
    if f.first.type != "DEF":
        return None
    signature = f.text(0, f.position)
    if f.type(f.position) in ("COLON", "SIGN") and "EQUAL" in f.accepts:
        value = f.text(f.position + 1) or "..."
        if value.startswith("return "):
            value = value.removeprefix("return ")
        return f.error(
            "E023",
            "a function's head has no colon" if f.type(f.position) == "COLON" else "a function declares no types",
            None,
            "",
            f"in one line: `{signature} = {value}`",
            f"in several: `{signature} {{`, then `a = ...`, `return ...` and `}}`, each on a line",
        )
    depth_one = f.type(f.position - 1) == "NAME" and "COMMA" in f.accepts and "RPAR" in f.accepts
    if depth_one and f.type(f.position) in ("EQUAL", "COLON"):
        what = "no default value" if f.type(f.position) == "EQUAL" else "no type"
        hint = "list the names alone: `def f(x, y) = ...`"
        return f.error("E023", f"a parameter of a function has {what}", None, "", hint)
    return None


def module_call(f: Failure) -> Diagnostic | None:
    """`np.exp(x)`, `pm.Normal("mu", 0, 5)`."""
    i = f.position
    if f.type(i) != "LPAR" or f.type(i - 1) != "NAME" or f.type(i - 2) != "DOT":
        return None
    start = i - 3
    while f.type(start - 1) == "DOT":
        start -= 2
    hint = f"write `{_without_module(f, max(start, 0), i)}`"
    return f.error("E025", "functions belong to no module and no value", f.span(max(start, 0), i), "", hint)


# Names under which distributions and functions are imported in Python; before another name a call is a method.
MODULES = frozenset({
    "np", "numpy", "jnp", "jax", "nn", "lax", "sp", "scipy", "stats", "math", "torch", "tf", "tfp", "tfd", "pm", "pymc",
    "pt", "at", "tt", "dist", "numpyro", "pyro", "distributions", "random", "special",
})  # fmt: skip


def _without_module(f: Failure, start: int, opening: int) -> str:
    """What to write for `np.exp(x)`, `y.mean()`, `pm.Normal("mu", 0, 5)`, `numpyro.sample("mu", dist.Normal(0, 5))`."""
    name, arguments = f.word(opening - 1), _arguments(f, opening)
    target = f.word(0) if f.type(1) == "EQUAL" else "x"
    if name in ("Deterministic", "deterministic") and len(arguments) > 1:
        return f"{target} = {arguments[1]}"
    if name == "sample" and len(arguments) > 1:
        observed = next((a.partition("=")[2].strip() for a in arguments if a.replace(" ", "").startswith("obs=")), "")
        distribution, bracket, parameters = arguments[1].partition("(")
        return f"{observed or target} ~ {distribution.rpartition('.')[2]}{bracket}{parameters}"
    if name[:1].isupper():
        return _drawn(name, arguments, target)
    if name in ("dot", "matmul") and len(arguments) == 2:
        return f"{arguments[0]} @ {arguments[1]}"
    if f.word(start) not in MODULES:
        return f"{name}({', '.join([f.text(start, opening - 2), *arguments])})"
    return f"{name}({', '.join(arguments)})"


def _arguments(f: Failure, opening: int) -> list[str]:
    """The text of each argument of a call, none of a bracket that is left open."""
    depth, start = 0, opening + 1
    arguments: list[str] = []
    for j in range(opening, len(f.tokens)):
        word = f.word(j)
        depth += (word in ("(", "[", "{")) - (word in (")", "]", "}"))
        if depth == 0 or (word == "," and depth == 1):
            arguments.append(f.text(start, j) if j > start else "")
            start = j + 1
        if depth == 0:
            break
    return [a for a in arguments if a]


def _drawn(name: str, arguments: list[str], target: str) -> str:
    """`mu = pm.Normal("mu", 0, observed=y)` as a statement of the language, with the arguments that count."""
    kept = []
    for argument in arguments:
        key, equal, value = argument.partition("=")
        if key.strip() == "observed" and equal:
            target = value.strip()
        elif argument[0] not in "\"'" and key.strip() not in ("dims", "shape", "size", "name"):
            kept.append(argument)
    return f"{target} ~ {name}({', '.join(kept)})"


def chained_comparison(f: Failure) -> Diagnostic | None:
    """`x = a < b < c`."""
    if f.type(f.position) not in ("BOUND", "COMPARISON") or not f.has_value or f.first.type in ("DATA", "VAR"):
        return None
    return f.error("E026", "comparisons are not chained", None, "a second comparison", "write `a < b and b < c`")


def text_value(f: Failure) -> Diagnostic | None:
    """`x = "a"`, `model "schools"`."""
    if f.type(f.position) != "STRING":
        return None
    if f.first.type == "MODEL" and f.position == 1:
        return f.error(
            "E027", "the title is a plain name", None, "", "write `model eight_schools`; say more in a comment"
        )
    hint = 'quoted text is only a label inside an index: `theta["Choate"]`'
    return f.error("E027", "text cannot stand here", None, "", hint)


def branch_statement(f: Failure) -> Diagnostic | None:
    """`if (x > 0) {`, `else {`."""
    if f.position or f.word(0) not in ("if", "else", "while", "elif", "repeat", "switch"):
        return imperative_word(f)
    if f.type(1) in ("TILDE", "EQUAL"):
        return None
    return f.error(
        "E029",
        f"there is no `{f.word(0)}` statement",
        None,
        "",
        "to choose between values: `x = a if c else b`",
        "to keep some elements of a dim: `y[i] ~ Normal(mu, s) for i in obs if c[i]`",
    )


def imperative_word(f: Failure) -> Diagnostic | None:
    """`while x`, `print x`."""
    word = f.word(0)
    if f.position == 1 and word in ("while", "elif", "repeat", "with", "class", "try", "function", "switch", "print"):
        hint = "a model is a list of statements that hold together, each after those whose names it uses"
        return f.error("E029", f"there is no `{word}` statement", f.span(0), "", hint)
    return None


def loop_over_several(f: Failure) -> Diagnostic | None:
    """`f(a, b for i in obs)`."""
    if f.type(f.position) != "FOR":
        return None
    depth, comma = 0, False
    for i in range(f.position - 1, -1, -1):
        if f.word(i) in (")", "]"):
            depth += 1
        elif f.word(i) in ("(", "["):
            if depth == 0:
                if not comma or f.type(i) != "LPAR" or f.type(i - 1) != "NAME":
                    return None
                return f.error(
                    "E001",
                    "a `for` inside a call follows one value",
                    None,
                    f"`{f.word(i - 1)}` has several arguments before it",
                    "to reduce one value over a dim: `s = sum(a[i] * b[i] for i in obs)`",
                    "to call a function for each element: `x[i] = f(a[i], b[i]) for i in obs`",
                )
            depth -= 1
        elif depth == 0 and f.type(i) == "COMMA":
            comma = True
    return None


def ternary(f: Failure) -> Diagnostic | None:
    """`x = c ? a : b`, `data? y`."""
    if f.type(f.position) != "MISSING":
        return None
    if f.has_value:
        return f.error("E019", "`?` does not choose between values", None, "", "write `a if c else b`")
    return f.error("E038", "`?` marks data that may be missing", None, "", "write it after the name: `data y[obs]?`")
