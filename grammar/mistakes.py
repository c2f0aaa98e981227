"""First mistakes of people who come from Stan, R, BUGS or Python, each with its own message and fix.

A recogniser looks at a line that did not parse and answers with a diagnostic, or None if the mistake is another.
The first answer counts, so the order at the end of the file matters.
"""

from __future__ import annotations

from ppl.errors import Diagnostic
from ppl.grammar.failure import Failure

# --- Stan --------------------------------------------------------------------------------------------

STAN_SCALARS = frozenset({"real", "int"})
STAN_TYPES = STAN_SCALARS | {
    "vector", "row_vector", "matrix", "array", "simplex", "ordered", "positive_ordered", "unit_vector", "complex",
    "corr_matrix", "cov_matrix", "cholesky_factor_corr", "cholesky_factor_cov", "sum_to_zero_vector",
}  # fmt: skip
STAN_BLOCKS = {
    "data": "inputs are declared with `data y[obs], sigma[obs] > 0`",
    "transformed data": "write the computations themselves: `log_y = log(y)`",
    "parameters": "a latent is introduced by its distribution: `tau ~ HalfNormal(1)`",
    "transformed parameters": "write the computations themselves: `eta[obs] = alpha + beta * x[obs]`",
    "model": "write the statements themselves: `y[obs] ~ Normal(mu, sigma)`",
    "generated quantities": "a value is kept with `x = ...`, a prediction is drawn with `predict y_new[obs] ~ ...`",
    "functions": "define a function with `def f(x) = ...`",
}
CONSTRAINED = {
    "simplex": "w[comp] ~ Dirichlet(fill(1, comp))",
    "ordered": "mu[comp] ~ ordered(Normal(0, 5))",
    "positive_ordered": "var mu[comp] : ordered > 0",
    "cholesky_factor_corr": "L[k, l] ~ LKJCholesky(2)",
    "corr_matrix": "L[k, l] ~ LKJCholesky(2)",
}


def stan_block(f: Failure) -> Diagnostic | None:
    """`parameters {`."""
    opening = f.find("LBRACE")
    if opening not in (1, 2) or any(t == "LPAR" for t in f.types()[:opening]):
        return None
    name = " ".join(f.word(i) for i in range(opening))
    if name not in STAN_BLOCKS:
        return None
    title = f"there is no `{name}` block: a model is one list of statements"
    return f.error("E011", title, f.span(0, opening + 1), "", STAN_BLOCKS[name])


def stan_declaration(f: Failure) -> Diagnostic | None:
    """`real<lower=0> tau;`, `vector[N] y`, `int N`."""
    start = 1 if f.first.type in ("DATA", "VAR") else 0
    kind = f.word(start)
    if kind not in STAN_TYPES or f.position <= start:
        return None
    # The declared name: the first name at depth 0 after the type, its <bounds> and its [sizes].
    depth, name, lower, upper = 0, -1, "", ""
    for i in range(start + 1, len(f.tokens)):
        word = f.word(i)
        if word in ("[", "(", "{") or (word == "<" and i == start + 1):
            depth += 1
        elif word in ("]", ")", "}") or (word == ">" and depth == 1):
            depth -= 1
        elif depth == 0 and f.type(i) == "NAME" and word not in STAN_TYPES:
            name = i
            break
        elif depth == 0 and word not in STAN_TYPES:
            return None
        elif word in ("lower", "upper") and f.word(i + 1) == "=":
            value = f.word(i + 2) if f.type(i + 2) != "SIGN" else f.word(i + 2) + f.word(i + 3)
            lower, upper = (value, upper) if word == "lower" else (lower, value)
    if name < 0:
        return None
    declared = f.word(name)
    axes = "" if kind in STAN_SCALARS and f.type(name + 1) != "LSQB" else "[obs]"
    if lower and upper:
        bounds = f" in [{lower}, {upper}]"
    else:
        bounds = f" > {lower}" if lower else f" < {upper}" if upper else ""
    type_ = " : int" if kind == "int" else ""
    hints = [f"an input: `data {declared}{axes}{type_}{bounds}`" + (" after `dim obs`" if axes else "")]
    if kind in CONSTRAINED:
        hints.append(f"a latent: `{CONSTRAINED[kind]}`")
    elif kind != "int":
        family = "HalfNormal(1)" if lower == "0" and not upper else "Normal(0, 1)"
        hints.append(f"a latent is introduced by its distribution alone: `{declared}{axes} ~ {family}`")
    if f.find("EQUAL", name) > 0:
        value = f.text(f.find("EQUAL", name) + 1)
        hints.append(f"a computed value: `{declared}{axes} = {value}`")
    elif kind == "int" and not axes:
        hints.append("a size is not an input: `dim obs` takes its size from the data")
    return f.error("E010", f"`{kind}` does not declare a quantity here", f.span(0, name + 1), "", *hints)


def target_update(f: Failure) -> Diagnostic | None:
    """`target += ...`, `x += 1`."""
    if f.type(f.position) != "BAD_OPERATOR" or f.word(f.position) not in ("+=", "-=", "*=", "/="):
        return None
    name = f.text(0, f.position)
    operator = f.word(f.position)
    value = f.text(f.position + 1)
    if name == "target" and operator == "+=":
        return f.error(
            "E014",
            "there is no `target` to add to",
            f.span(0, f.position + 1),
            "",
            "a distribution of a quantity is a statement: `y[obs] ~ Normal(mu, sigma)`",
            "this version has no terms of another form: write each as the distribution of something",
        )
    return f.error(
        "E014",
        f"nothing is changed in place: `{operator}` does not exist",
        None,
        "",
        f"give the new value a name of its own: `new = {name} {operator[0]} {value}`",
    )


def truncation_suffix(f: Failure) -> Diagnostic | None:
    """`y ~ normal(0, 1) T[0, ]` of Stan, `I(0, )` and `C(0, )` of BUGS."""
    suffix = f.word(f.position) in ("T", "I", "C") and f.type(f.position + 1) in ("LSQB", "LPAR")
    if not suffix or f.type(f.position - 1) != "RPAR":
        return None
    tilde = f.find("TILDE")
    distribution = f.text(tilde + 1, f.position) if 0 < tilde < f.position else "Normal(0, 1)"
    name, bracket, rest = distribution.partition("(")
    distribution = _capitalised(name) + bracket + rest
    inside = [f.word(j) for j in range(f.position + 2, len(f.tokens) - 1)]
    bounds = "lower=..., upper=..."
    if inside.count(",") == 1 and not {"(", "["} & set(inside):
        comma = inside.index(",")
        ends = ("lower", "".join(inside[:comma])), ("upper", "".join(inside[comma + 1 :]))
        bounds = ", ".join(f"{end}={value}" for end, value in ends if value) or bounds
    return f.error(
        "E041",
        f"truncation is not written `{f.word(f.position)}{f.word(f.position + 1)}...`",
        f.span(f.position, len(f.tokens)),
        "",
        f"write `truncated({distribution}, {bounds})`",
    )


def _capitalised(name: str) -> str:
    """A distribution's name as the language writes it: `student_t` is `StudentT`."""
    other = {"double_exponential": "Laplace", "inv_gamma": "InverseGamma", "neg_binomial_2": "NegativeBinomial2",
             "lognormal": "LogNormal", "dnorm": "Normal", "dgamma": "Gamma", "dt": "StudentT"}  # fmt: skip
    return other.get(name, "".join(part[:1].upper() + part[1:] for part in name.split("_")))


def elementwise_operator(f: Failure) -> Diagnostic | None:
    """`x = a .* b`."""
    dot = f.position - 1
    if f.type(dot) == "DOT" and f.adjacent(dot) and f.word(f.position) in ("*", "/", "^"):
        operator = f.word(f.position)
        hint = f"write `{operator}`; a product of matrices is `@`"
        return f.error("E019", f"`{operator}` works element by element already", f.span(dot, f.position + 1), "", hint)
    return None


# --- R and BUGS --------------------------------------------------------------------------------------


def arrow(f: Failure) -> Diagnostic | None:
    """`mu <- 3`, `x <<- 1`."""
    i = f.position
    if f.word(i) == "<" and f.word(i + 1) == "<" and f.word(i + 2) == "-":
        end = i + 3
    elif f.word(i) == "<" and f.word(i + 1) == "-" and f.adjacent(i):
        end = i + 2
    else:
        return right_arrow(f)
    name, value = f.text(0, i), f.text(end)
    drawn = f.word(end)[:1].isupper() and f.type(end + 1) == "LPAR"
    random = f"if it is drawn from a distribution: `{name} ~ {value}`"
    computed = f"if it is computed: `{name} = {value}`"
    hints = (random,) if drawn else (computed, f"if it has a distribution: `{name} ~ ...`")
    return f.error("E015", "`<-` does not define anything", f.span(i, end), "", *hints)


def right_arrow(f: Failure) -> Diagnostic | None:
    """`3 -> mu`."""
    if f.first.type == "DEF":
        return None
    for i in range(len(f.tokens) - 1):
        if f.word(i) == "-" and f.word(i + 1) == ">" and f.adjacent(i) and f.position <= i + 1:
            hint = f"write `{f.text(i + 2)} = {f.text(0, i)}`"
            return f.error("E015", "`->` does not define anything", f.span(i, i + 2), "", hint)
    return None


def matrix_product(f: Failure) -> Diagnostic | None:
    """`x = A %*% B`."""
    i = f.position
    if f.word(i - 1) == "%" and f.type(i - 1) == "FACTOR" and f.adjacent(i - 1) and f.word(i) in ("*", "in", "o"):
        operator = f"%{f.word(i)}%"
        hint = "a product of matrices is `A @ B`" if f.word(i) == "*" else "there is no such operator"
        return f.error("E019", f"`{operator}` is an operator of R", f.span(i - 1, min(i + 2, len(f.tokens))), "", hint)
    return None


def numeric_loop(f: Failure) -> Diagnostic | None:
    """`for (i in 1:N) {`, `for i in 1:N`, `for i in range(N):`, `for i = 1:10`."""
    loop = f.find("FOR")
    if loop < 0 or f.position <= loop:
        return None
    i = loop + 1
    if f.type(i) == "LPAR":
        i += 1
    if f.type(i) != "NAME" or f.position > i + 4:
        return None
    name = f.word(i)
    over = i + 2 if f.word(i + 1) in ("in", "=") else -1
    end = next((j for j in range(over, len(f.tokens)) if f.type(j) in ("LBRACE", "COLON") and j > over + 2), None)
    numbers = over > 0 and f.type(over) == "INT"
    if not numbers and f.word(over) not in ("range", "seq_len", "seq_along", "seq", "enumerate"):
        if f.type(loop + 1) == "LPAR":
            hint = f"write `for {name} in obs {{`"
            return f.error("E016", "a `for` has no parentheses", f.span(loop, i + 1), "", hint)
        return None
    return f.error(
        "E016",
        "a loop runs over a dim, not over numbers",
        f.span(loop, end or len(f.tokens)),
        "",
        "often no loop is needed, a dim's own name stands for each element: `y[obs] ~ Normal(mu[obs], sigma)`",
        f"else name the dim: `for {name} in obs {{ ... }}`; part of an ordered dim is `for t in time[1:]`",
    )


def dotted_name(f: Failure) -> Diagnostic | None:
    """`sigma.y ~ HalfNormal(1)`."""
    if f.type(f.position) != "DOT" or f.has_value or f.type(f.position - 1) != "NAME":
        return None
    end = f.position
    while f.type(end) == "DOT" and f.type(end + 1) == "NAME":
        end += 2
    name = f.text(f.position - 1, end)
    hint = f"write `{name.replace('.', '_')}`" if end > f.position else ""
    return f.error("E043", "a name has no dots", f.span(f.position - 1, max(end, f.position + 1)), "", hint)


# --- Python ------------------------------------------------------------------------------------------


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
    name = f.word(i - 1)
    hint = f"write `{name}(...)`"
    if name[:1].isupper():
        hint = f"write `{_drawn(f, i)}`"
    return f.error("E025", "functions belong to no module and no value", f.span(max(start, 0), i), "", hint)


def _drawn(f: Failure, opening: int) -> str:
    """`mu = pm.Normal("mu", 0, observed=y)` as a statement of the language, with the arguments that count."""
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
    target = f.word(0) if f.type(1) == "EQUAL" else "x"
    kept = []
    for argument in arguments:
        key, equal, value = argument.partition("=")
        if key.strip() == "observed" and equal:
            target = value.strip()
        elif argument and argument[0] not in "\"'" and key.strip() not in ("dims", "shape", "size", "name"):
            kept.append(argument)
    return f"{target} ~ {f.word(opening - 1)}({', '.join(kept)})"


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


RECOGNISERS = (
    stan_block,
    stan_declaration,
    target_update,
    truncation_suffix,
    elementwise_operator,
    arrow,
    matrix_product,
    numeric_loop,
    python_loop,
    comparison_statement,
    foreign_operator,
    imports,
    anonymous_function,
    python_def,
    dotted_name,
    module_call,
    chained_comparison,
    text_value,
    branch_statement,
    loop_over_several,
    ternary,
    literal_list,
)


def recognise(f: Failure) -> Diagnostic | None:
    """The message of the first recogniser that knows the mistake, None if none does."""
    for recogniser in RECOGNISERS:
        diagnostic = recogniser(f)
        if diagnostic is not None:
            return diagnostic
    return None
