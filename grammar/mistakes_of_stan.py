"""First mistakes of people who come from Stan."""

from __future__ import annotations

import re

from ppl.errors import Diagnostic
from ppl.grammar.failure import Failure

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
    equal = "=" if kind == "int" else ""
    if lower and upper:
        bounds = f" in [{lower}, {upper}]"
    else:
        bounds = f" >{equal} {lower}" if lower else f" <{equal} {upper}" if upper else ""
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


# A log-density of Stan: `normal_lpdf(y | mu, sigma)`.
_DENSITY = re.compile(r"(?P<name>\w+?)_lu?p[dm]f\s*\((?P<of>[^|]+)\|(?P<parameters>.*)\)")


def target_update(f: Failure) -> Diagnostic | None:
    """`target += ...`, `x += 1`."""
    if f.type(f.position) != "BAD_OPERATOR" or f.word(f.position) not in ("+=", "-=", "*=", "/="):
        return None
    name = f.text(0, f.position)
    operator = f.word(f.position)
    value = f.text(f.position + 1)
    if name == "target" and operator == "+=":
        density = _DENSITY.fullmatch(value)
        statement = "y[obs] ~ Normal(mu, sigma)"
        if density is not None:
            statement = f"{density['of'].strip()} ~ {_capitalised(density['name'])}({density['parameters'].strip()})"
        return f.error(
            "E014",
            "there is no `target` to add to",
            f.span(0, f.position + 1),
            "",
            f"a distribution of a quantity is a statement: `{statement}`",
            "any other term is an energy, which counts with a minus: `energy name: -(...)`",
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
