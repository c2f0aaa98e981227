"""An example of every distribution and function, for the reference; the tests run them all."""

from __future__ import annotations

from collections.abc import Mapping

from ppl.catalogue.distributions import DISTRIBUTIONS, DistributionSpec, Parameter

_OF_DOMAIN = {"real": "0", "positive": "2", "nonnegative": "2", "unit_interval": "0.3", "count": "10"}
_SIMPLEX = "fill(1 / 3, k)"
_COVARIANCE = "C[i, j] = 2 if i == j else 1  for i in k, j in k"
_VECTORS = {
    "Dirichlet": ("dim k = 3", "x[k] ~ Dirichlet(fill(2, k))"),
    "MvNormal": ("dim k = 3", _COVARIANCE, "x[k]    ~ MvNormal(0, C)"),
    "LKJCholesky": ("dim k = 3", "x[i, j] ~ LKJCholesky(2)  for i in k, j in k"),
    "Multinomial": ("dim k = 3", "data x[k]", f"x[k] ~ Multinomial(10, {_SIMPLEX})"),
    "Categorical": ("dim k = 3", "data x : k", f"x ~ Categorical({_SIMPLEX})"),
    "CategoricalLogit": ("dim k = 3", "data x : k", "x ~ CategoricalLogit(stack(k, -1, 0, 1))"),
    "OrderedLogistic": ("dim k = 3", "dim cut = 2", "data x : k", "x ~ OrderedLogistic(0.5, stack(cut, -1, 1))"),
}


def distribution_example(spec: DistributionSpec) -> str:
    """A model of a few lines that draws from a distribution, or observes it if it is discrete."""
    if spec.name in _VECTORS:
        return "\n".join(_VECTORS[spec.name])
    statement = f"x ~ {spec.name}({', '.join(_argument(p) for p in spec.parameters)})"
    return f"data x\n{statement}" if spec.discrete else statement


def _argument(parameter: Parameter) -> str:
    return _OF_DOMAIN[parameter.domain] if parameter.default is None else f"{parameter.default:g}"


SETTING = """\
dim k = 3
dim pair = 2
v[k]     = stack(k, 1, 2, 4)
A[i, j]  = 2 if i == j else 1    for i in pair, j in pair
b[pair]  = stack(pair, 1, 0)
"""
"""What the examples of functions use: v = (1, 2, 4), A = ((2, 1), (1, 2)), b = (1, 0)."""

FUNCTION_EXAMPLES: Mapping[str, tuple[str, float]] = {
    "add": ("1 + 2", 3), "subtract": ("1 - 2", -1), "multiply": ("2 * 3", 6), "divide": ("1 / 2", 0.5),
    "floor_divide": ("7 // 2", 3), "remainder": ("-7 % 3", 2), "power": ("2^10", 1024), "negative": ("-(3)", -3),
    "less": ("1 < 2", 1), "less_equal": ("2 <= 2", 1), "greater": ("1 > 2", 0), "greater_equal": ("2 >= 2", 1),
    "equal": ("1 == 2", 0), "not_equal": ("1 != 2", 1), "and": ("true and false", 0), "or": ("true or false", 1),
    "not": ("not true", 0), "where": ("5 if v[0] > 0 else 7", 5), "matmul": ("(A @ b)[0]", 2),
    "exp": ("exp(1)", 2.718282), "expm1": ("expm1(1)", 1.718282), "log": ("log(10)", 2.302585),
    "log1p": ("log1p(1)", 0.693147), "log2": ("log2(8)", 3), "log10": ("log10(1000)", 3), "sqrt": ("sqrt(2)", 1.414214),
    "square": ("square(3)", 9), "abs": ("abs(-3)", 3), "sign": ("sign(-2.5)", -1), "sin": ("sin(1)", 0.841471),
    "cos": ("cos(1)", 0.540302), "tan": ("tan(1)", 1.557408), "asin": ("asin(1)", 1.570796),
    "acos": ("acos(0)", 1.570796), "atan": ("atan(1)", 0.785398), "atan2": ("atan2(1, -1)", 2.356194),
    "sinh": ("sinh(1)", 1.175201), "cosh": ("cosh(1)", 1.543081), "tanh": ("tanh(1)", 0.761594),
    "sigmoid": ("sigmoid(1)", 0.731059), "log_sigmoid": ("log_sigmoid(1)", -0.313262),
    "logit": ("logit(0.75)", 1.098612), "softplus": ("softplus(1)", 1.313262),
    "relu": ("relu(-2)", 0), "lgamma": ("lgamma(5)", 3.178054),
    "digamma": ("digamma(1)", -0.577216), "erf": ("erf(1)", 0.842701), "erfc": ("erfc(1)", 0.157299),
    "Phi": ("Phi(1.96)", 0.975002), "log_Phi": ("log_Phi(-10)", -53.231285), "probit": ("probit(0.975)", 1.959964),
    "floor": ("floor(-1.5)", -2), "ceil": ("ceil(1.2)", 2), "round": ("round(2.5)", 2), "maximum": ("max(1, 2)", 2),
    "minimum": ("min(1, 2)", 1), "log_add_exp": ("log_add_exp(1, 1)", 1.693147),
    "sum": ("sum(v)", 7), "prod": ("prod(v)", 8), "mean": ("mean(v)", 2.333333), "max": ("max(v)", 4),
    "min": ("min(v)", 1), "logsumexp": ("logsumexp(v)", 4.169846), "sd": ("sd(v)", 1.527525),
    "variance": ("variance(v)", 2.333333), "softmax": ("softmax(v)[2]", 0.843795),
    "log_softmax": ("log_softmax(v)[2]", -0.169846), "cumsum": ("cumsum(v)[1]", 3), "sort": ("sort(-v)[0]", -4),
    "dot": ("dot(v, v)", 21), "cholesky": ("cholesky(A)[1, 0]", 0.707107), "inverse": ("inverse(A)[0, 1]", -0.333333),
    "logdet": ("logdet(A)", 1.098612), "trace": ("trace(A)", 4), "solve": ("solve(A, b)[0]", 0.666667),
    "solve_lower": ("solve_lower(cholesky(A), b)[0]", 0.707107), "quadratic": ("quadratic(b, A)", 2),
    "diag": ("diag(v)[2, 2]", 4), "diagonal": ("diagonal(A)[1]", 2), "transpose": ("transpose(A)[0, 1]", 1),
    "outer": ("outer(v, b)[2, 0]", 4), "interp": ("interp(2.5, v, stack(k, 0, 10, 40))", 17.5),
    "fill": ("sum(fill(2, k))", 6), "stack": ("stack(pair, 5, 6)[1]", 6), "length": ("length(k)", 3),
}  # fmt: skip
"""An expression and its value, to six decimals, for each function; of `odesolve` the reference has whole models."""

DISTRIBUTION_EXAMPLES: Mapping[str, str] = {name: distribution_example(spec) for name, spec in DISTRIBUTIONS.items()}
