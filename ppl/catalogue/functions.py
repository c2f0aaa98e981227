"""The functions of the language, as a table. No JAX here: `ppl.compiler.lowering.lower` implements each name.

Operators are rows too: `a + b` is the function `add`. A row says what a function means, how many arguments it takes,
which shapes it accepts and gives (`SHAPES`), and what is known of its values, for the analysis of supports.

An expression's shape is its axes (bound indices, aligned by identity, always elementwise) and then its event dims
(whole dimensions, positional). The shape rules below are about event dims only; every function is applied separately
for each element of the axes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

SHAPES: Mapping[str, str] = {
    "elementwise": "event dims of the arguments are equal, or absent (a scalar broadcasts); the result has them",
    "reduce": "(...) -> (): over all event dims of one array",
    "last": "(..., n) -> (..., n): along the last event dim",
    "dot": "(n), (n) -> ()",
    "matmul": "(n, k) @ (k, m) -> (n, m); (n, k) @ (k) -> (n); (k) @ (k, m) -> (m); (k) @ (k) -> ()",
    "square": "(n, n) -> (n, n)",
    "square_to_scalar": "(n, n) -> ()",
    "solve": "(n, n), (n) -> (n); (n, n), (n, m) -> (n, m)",
    "to_diagonal": "(n) -> (n, n)",
    "of_diagonal": "(n, n) -> (n)",
    "transpose": "(n, m) -> (m, n)",
    "outer": "(n), (m) -> (n, m)",
    "quadratic": "(n), (n, n) -> ()",
    "interp": "(...), (n), (n) -> (...)",
}


@dataclass(frozen=True)
class Interval:
    """Numbers from `lower` to `upper`; an end is excluded if it is strict (an infinite end always is)."""

    lower: float = -inf
    upper: float = inf
    lower_strict: bool = False
    upper_strict: bool = False


REAL = Interval()
POSITIVE = Interval(lower=0.0, lower_strict=True)
NONNEGATIVE = Interval(lower=0.0)
UNIT = Interval(0.0, 1.0)
OPEN_UNIT = Interval(0.0, 1.0, True, True)
SIGNED_UNIT = Interval(-1.0, 1.0)


@dataclass(frozen=True)
class FunctionSpec:
    """One row.

    arity: least and most arguments. shape: a key of SHAPES. result: `real`; `int`; `bool`; or `same`: int if every
    argument is int, count or bool, else real. domains: of the elements of each argument (the last one repeats).
    values: what the elements of the result lie in. monotone: `increasing` or `decreasing` in its one argument.
    operator: the symbol, for the rows that are written with one and not called by name.
    """

    name: str
    meaning: str
    arity: tuple[int, int] = (1, 1)
    shape: str = "elementwise"
    result: str = "real"
    domains: tuple[Interval, ...] = (REAL,)
    values: Interval = REAL
    monotone: str = ""
    operator: str = ""


_BINARY = (2, 2)
_ROWS = (
    # --- operators
    FunctionSpec("add", "a + b", _BINARY, result="same", operator="+"),
    FunctionSpec("subtract", "a - b", _BINARY, result="same", operator="-"),
    FunctionSpec("multiply", "a * b, elementwise", _BINARY, result="same", operator="*"),
    FunctionSpec("divide", "a / b, elementwise, always real", _BINARY, operator="/"),
    FunctionSpec("floor_divide", "the floor of a / b", _BINARY, result="same", operator="//"),
    FunctionSpec("remainder", "a - b * floor(a / b): has the sign of b", _BINARY, result="same", operator="%"),
    FunctionSpec("power", "a ^ b; the exponent is an integer, or a is not negative", _BINARY, operator="^"),
    FunctionSpec("negative", "-a", result="same", monotone="decreasing", operator="-"),
    FunctionSpec("less", "a < b", _BINARY, result="bool", values=UNIT, operator="<"),
    FunctionSpec("less_equal", "a <= b", _BINARY, result="bool", values=UNIT, operator="<="),
    FunctionSpec("greater", "a > b", _BINARY, result="bool", values=UNIT, operator=">"),
    FunctionSpec("greater_equal", "a >= b", _BINARY, result="bool", values=UNIT, operator=">="),
    FunctionSpec("equal", "a == b", _BINARY, result="bool", values=UNIT, operator="=="),
    FunctionSpec("not_equal", "a != b", _BINARY, result="bool", values=UNIT, operator="!="),
    FunctionSpec("and", "both of two bools", _BINARY, result="bool", values=UNIT, operator="and"),
    FunctionSpec("or", "at least one of two bools", _BINARY, result="bool", values=UNIT, operator="or"),
    FunctionSpec("not", "the other bool", result="bool", values=UNIT, operator="not"),
    FunctionSpec("where", "where(c, a, b) is `a if c else b`, elementwise; the branch not taken sends no NaN into the "
                 "gradient", (3, 3), result="same", operator="if"),
    FunctionSpec("matmul", "matrix product", _BINARY, shape="matmul", operator="@"),
    # --- elementwise
    FunctionSpec("exp", "e to the power of x", values=POSITIVE, monotone="increasing"),
    FunctionSpec("expm1", "exp(x) - 1, exact near 0", values=Interval(-1.0, inf, True), monotone="increasing"),
    FunctionSpec("log", "natural logarithm", domains=(NONNEGATIVE,), monotone="increasing"),
    FunctionSpec("log1p", "log(1 + x), exact near 0", domains=(Interval(-1.0),), monotone="increasing"),
    FunctionSpec("log2", "logarithm to base 2", domains=(NONNEGATIVE,), monotone="increasing"),
    FunctionSpec("log10", "logarithm to base 10", domains=(NONNEGATIVE,), monotone="increasing"),
    FunctionSpec("sqrt", "square root", domains=(NONNEGATIVE,), values=NONNEGATIVE, monotone="increasing"),
    FunctionSpec("square", "x * x", values=NONNEGATIVE),
    FunctionSpec("abs", "absolute value", result="same", values=NONNEGATIVE),
    FunctionSpec("sign", "-1, 0 or 1", values=SIGNED_UNIT, monotone="increasing"),
    FunctionSpec("sin", "sine, in radians", values=SIGNED_UNIT),
    FunctionSpec("cos", "cosine, in radians", values=SIGNED_UNIT),
    FunctionSpec("tan", "tangent, in radians"),
    FunctionSpec("asin", "inverse sine", domains=(SIGNED_UNIT,), monotone="increasing"),
    FunctionSpec("acos", "inverse cosine, in [0, pi]", domains=(SIGNED_UNIT,), values=NONNEGATIVE),
    FunctionSpec("atan", "inverse tangent, in (-pi/2, pi/2)", monotone="increasing"),
    FunctionSpec("atan2", "atan2(y, x): the angle of the point (x, y)", _BINARY),
    FunctionSpec("sinh", "hyperbolic sine", monotone="increasing"),
    FunctionSpec("cosh", "hyperbolic cosine", values=Interval(lower=1.0)),
    FunctionSpec("tanh", "hyperbolic tangent", values=Interval(-1.0, 1.0, True, True), monotone="increasing"),
    FunctionSpec("sigmoid", "1 / (1 + exp(-x)), the inverse of logit", values=OPEN_UNIT, monotone="increasing"),
    FunctionSpec("log_sigmoid", "log(sigmoid(x)), exact in both tails", values=Interval(-inf, 0.0, False, True),
                 monotone="increasing"),
    FunctionSpec("logit", "log(p / (1 - p))", domains=(UNIT,), monotone="increasing"),
    FunctionSpec("softplus", "log(1 + exp(x)), exact in both tails", values=POSITIVE, monotone="increasing"),
    FunctionSpec("relu", "max(x, 0)", values=NONNEGATIVE, monotone="increasing"),
    FunctionSpec("lgamma", "log |Gamma(x)|"),
    FunctionSpec("digamma", "derivative of lgamma"),
    FunctionSpec("erf", "error function", values=Interval(-1.0, 1.0, True, True), monotone="increasing"),
    FunctionSpec("erfc", "1 - erf(x)", values=Interval(0.0, 2.0, True, True), monotone="decreasing"),
    FunctionSpec("Phi", "distribution function of the standard normal", values=OPEN_UNIT, monotone="increasing"),
    FunctionSpec("log_Phi", "log(Phi(x)), exact in the tails", values=Interval(-inf, 0.0, False, True),
                 monotone="increasing"),
    FunctionSpec("probit", "quantile function of the standard normal, the inverse of Phi", domains=(UNIT,),
                 monotone="increasing"),
    FunctionSpec("floor", "the largest integer not above x", monotone="increasing"),
    FunctionSpec("ceil", "the smallest integer not below x", monotone="increasing"),
    FunctionSpec("round", "the nearest integer, halves to even", monotone="increasing"),
    FunctionSpec("maximum", "max(a, b): the larger of two", _BINARY, result="same"),
    FunctionSpec("minimum", "min(a, b): the smaller of two", _BINARY, result="same"),
    FunctionSpec("log_add_exp", "log(exp(a) + exp(b))", _BINARY),
    # --- whole arrays
    FunctionSpec("sum", "sum of all elements", shape="reduce", result="same"),
    FunctionSpec("prod", "product of all elements", shape="reduce", result="same"),
    FunctionSpec("mean", "arithmetic mean of all elements", shape="reduce"),
    FunctionSpec("max", "largest element", shape="reduce", result="same"),
    FunctionSpec("min", "smallest element", shape="reduce", result="same"),
    FunctionSpec("logsumexp", "log of the sum of exp of all elements", shape="reduce"),
    FunctionSpec("sd", "standard deviation of all elements (divisor n - 1)", shape="reduce", values=NONNEGATIVE),
    FunctionSpec("variance", "variance of all elements (divisor n - 1)", shape="reduce", values=NONNEGATIVE),
    FunctionSpec("softmax", "exp(x) / sum(exp(x)) along the last dim", shape="last", values=OPEN_UNIT),
    FunctionSpec("log_softmax", "x - logsumexp(x) along the last dim", shape="last", values=Interval(upper=0.0)),
    FunctionSpec("cumsum", "running sums along the last dim", shape="last", result="same"),
    FunctionSpec("sort", "ascending along the last dim", shape="last", result="same"),
    FunctionSpec("dot", "sum of products of two vectors", _BINARY, shape="dot"),
    FunctionSpec("cholesky", "lower triangular L with L L^T = A, of a symmetric positive definite A", shape="square"),
    FunctionSpec("inverse", "inverse of a square matrix", shape="square"),
    FunctionSpec("logdet", "log |det A| of a square matrix", shape="square_to_scalar"),
    FunctionSpec("trace", "sum of the diagonal", shape="square_to_scalar"),
    FunctionSpec("solve", "solve(A, b): the x with A x = b", _BINARY, shape="solve"),
    FunctionSpec("solve_lower", "solve_lower(L, b): the x with L x = b, of a lower triangular L", _BINARY,
                 shape="solve"),
    FunctionSpec("quadratic", "quadratic(x, A): x^T A x", _BINARY, shape="quadratic"),
    FunctionSpec("diag", "diag(v): the matrix with v on its diagonal", shape="to_diagonal"),
    FunctionSpec("diagonal", "diagonal(A): the diagonal of a square matrix", shape="of_diagonal"),
    FunctionSpec("transpose", "rows become columns", shape="transpose"),
    FunctionSpec("outer", "outer(a, b)[i, j] = a[i] * b[j]", _BINARY, shape="outer"),
    FunctionSpec("interp", "interp(x, xs, ys): at x, the straight lines that join the points (xs, ys); xs increases, "
                 "and before the first and after the last point the value stays theirs", (3, 3), shape="interp"),
)  # fmt: skip

FUNCTIONS: Mapping[str, FunctionSpec] = {row.name: row for row in _ROWS}

OPERATORS: Mapping[str, str] = {row.operator: row.name for row in _ROWS if row.operator and row.name != "negative"}
"""Symbol of a binary operator (and `not`) -> function. Unary minus is `negative`; unary plus is its operand."""

CALLED: Mapping[str, str] = {
    **{row.name: row.name for row in _ROWS if not row.operator and row.name not in ("maximum", "minimum")},
    "pow": "power",
}
"""Name in the text -> function. `max` and `min` of two arguments are `maximum` and `minimum`."""

REDUCTIONS: frozenset[str] = frozenset({"sum", "prod", "mean", "max", "min", "logsumexp", "cumsum"})
"""Functions that also bind indices: `sum(body for k in feature)`, `sum(body, feature)`."""

BUILDERS: Mapping[str, str] = {
    "fill": "fill(value, dim, ...): the value repeated over whole dims",
    "stack": "stack(dim, a, b, ...): the items as an array over a dim of that many elements",
    "length": "length(dim): how many elements a dim has",
    "odesolve": "odesolve(f, y0, t0, ts, ...): the state at the times ts, where it is y0 at t0 and its rate is "
    "f(t, y, ...); options: method = nonstiff or stiff, rtol = 1e-6, atol = 1e-8, max_steps = 4096",
}
"""Functions that name dims or functions; the checker turns them into nodes of the graph."""
