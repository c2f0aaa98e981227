"""The analysis of ranges: what is proved, what is refused, and what is let pass."""

from __future__ import annotations

import math
import random

import pytest

from ppl.catalogue.functions import Interval
from ppl.compiler.check.build import Build
from ppl.compiler.check.intervals import Range
from ppl.compiler.check.ranges import range_of
from ppl.compiler.check.report import Report
from ppl.compiler.check.scope import Names, Quantity
from ppl.grammar import nodes as syntax
from ppl.grammar.parser import parse
from ppl.source import Source, Span
from ppl.types import Scalar
from tests.check.programs import checked, codes

SETTING = """
dim obs, k
dim time ordered
data y[obs], x[obs], pos[obs] > 0, unit[obs] in [0, 1], flag[obs] : bool, group[obs] : k, n[obs] : count, c > 0
mu ~ Normal(0, 1)
nu ~ Normal(0, 1)
tau, s2 ~ HalfNormal(1)
p, q ~ Beta(2, 2)
w[k] ~ Dirichlet(fill(1, k))
z[obs] ~ Normal(0, 1)
t[k] ~ Exponential(1)
var b > 0, u in [0, 1], v in [-1, 1], o[k] : ordered > 0
r ~ Uniform(1, 3)
h ~ truncated(Normal(0, 1), lower = 0)
l ~ LogNormal(0, 1)
within ~ truncated(Normal(0, 1), lower = mu)
below ~ Uniform(0, tau)
data X[obs, k]
beta[k], beta2[k] ~ Normal(0, 1)
dim two = 2
data side[obs] : two
parts = stack(two, mu, tau)
"""

POSITIVE = """
tau
exp(mu)
exp(mu + nu * x[obs])
mu^2 + 1e-6
mu * mu + 0.1
abs(mu)
sqrt(mu^2)
tau + s2
tau * s2
tau / s2
tau * exp(z[obs])
1 / tau
sqrt(tau)
sigmoid(mu)
softplus(mu)
pos[obs]
pos[obs] * tau
b
t[group[obs]]
o[group[obs]]
sum(t)
mean(t)
max(t)
sum(t[k], k)
logsumexp(t) + 2 * l
tau if flag[obs] else s2
max(mu, 0.1)
max(tau, s2)
r - 1
4 - r
h
1 - p
p * (1 - p)
w[group[obs]]
1 + tanh(mu)
1 - v^2
exp(-0.5 * (mu - x[obs])^2)
sqrt(tau^2 + pos[obs]^2)
tau^2.5
tau ^ mu
2 ^ mu
expm1(tau)
log1p(tau)
cosh(mu)
Phi(mu)
square(mu) + c
sd(x)
prod(t)
x[obs]
x[obs] * tau
n[obs]
n[obs] + 0.5
c
fill(tau, obs)
softmax(z)[obs]
length(obs)
1 - sum(w) + tau
tau - s2 * 0
p + q - p * q
mu - mu + 1
exp(mu) - 1 + 1
tau * x[obs]
tau + s2 * x[obs]
u * x[obs] + 1
1 / x[obs]
mu - mu
mu^2 - 2 * mu * nu + nu^2
log(1 + exp(mu))
sqrt(mu) if mu > 0 else 1
log(mu * x[obs]) if mu * x[obs] > 1 else 0.5
within - mu
tau - below
stack(two, mu, tau)[1]
parts[1]
mean(parts)
parts[1] * x[obs]
sin(r)
sin(mu)^2
1 / v^2
sin(mu) + 1
mu * (x[obs] - x[obs]) + 1
sum(mu * x[obs], obs)^2 + 0.1
(1 / v)^2 - 0.5
stack(two, -5, 5)[side[obs]]^2 - 1
max(x[obs], mu)^2
exp(mu) * x[obs] + s2
mu * mu + 0.1 * mu
tau - tau * unit[obs]
stack(two, -1, 5)[side[obs]] + stack(two, 5, -1)[side[obs]]
l / x[obs]
x[obs] - mu * 0
max(mu, x[obs])
max(mu, 0) + min(mu, 0)^2
"""

# Whatever the data, some values of the latents make these negative.
NEGATIVE = """
mu
-tau
mu + nu
mu * 2
mu - 3
mu + x[obs]
mu + tau
-exp(mu)
tau - 1
tau - s2
z[obs]
mu * tau
mu * pos[obs]
2 * mu + 1
v
log(tau)
mu^3
p - 1
tau * v
r - 2
tanh(mu)
z[obs] * tau
mu / tau
-1
0
1 - 2
mean(z)
sum(z)
log(p)
logit(p)
mu * x[obs]
mu * n[obs]
mu * flag[obs]
-tau * pos[obs]
v * x[obs]
mu / nu
1 / mu
1 / v
v / x[obs]
mu^-1
sin(mu)
cos(mu + x[obs])
tan(nu)
sin(mu) * x[obs]
mu * mu - 1
mu^2 - 1
cosh(mu) - tau
abs(mu) - 1
tau - s2 * pos[obs]
exp(mu) - exp(nu)
X[obs] @ beta
X[obs] @ beta + tau
sum(X[obs, k] * beta[k], k)
sum(X[obs, j] * beta[j] for j in k)
dot(beta, beta2)
min(mu, x[obs])
min(mu, nu)
max(mu, nu)
max(mu, -1)
"""


@pytest.mark.parametrize("scale", POSITIVE.strip().splitlines())
def test_a_scale_that_may_be_positive_is_let_pass(scale: str) -> None:
    assert codes(SETTING + f"y[obs] ~ Normal(mu, {scale})") == []


@pytest.mark.parametrize("scale", NEGATIVE.strip().splitlines())
def test_a_scale_that_can_be_negative_is_an_error(scale: str) -> None:
    assert codes(SETTING + f"y[obs] ~ Normal(mu, {scale})") == ["E203"]


@pytest.mark.parametrize("scale", NEGATIVE.strip().splitlines())
def test_it_is_an_error_through_a_value_too(scale: str) -> None:
    assert codes(SETTING + f"scale[obs] = {scale}\ny[obs] ~ Normal(mu, scale[obs])") == ["E203"]


@pytest.mark.parametrize(
    ("probability", "said"),
    [("p", []), ("p * q", []), ("1 - p", []), ("sigmoid(mu)", []), ("unit[obs]", []), ("x[obs]", []), ("u", []),
     ("mu", ["E203"]), ("tau", ["E203"]), ("1.5", ["E203"]), ("p + q", ["E203"]), ("p + 1", ["E203"]), ("0.5", []),
     ("p - q", ["E203"]), ("2 * p", ["E203"]), ("p / 2 + q / 2", []), ("w[group[obs]]", []), ("0", []), ("1", []),
     ("p * u + (1 - p) * q", []), ("min(tau, 1)", []), ("max(0, min(mu, 1))", [])],
)  # fmt: skip
def test_probabilities(probability: str, said: list[str]) -> None:
    assert codes(SETTING + f"flag[obs] ~ Bernoulli({probability})") == said


def test_good_models_have_no_warnings() -> None:
    assert checked("data y\nmu ~ Normal(0, 1)\ns ~ HalfNormal(1)\ny ~ Normal(mu, exp(s))").warnings == ()


# --- soundness: values computed at random lie in the range that was found ------------------------------------------

VARIABLES = {
    "a": (Interval(), lambda r: r.gauss(0, 5)),
    "b": (Interval(0, math.inf, True), lambda r: r.expovariate(1) + 1e-9),
    "c": (Interval(0, 1), lambda r: r.random()),
    "d": (Interval(-1, 1), lambda r: r.uniform(-1, 1)),
    "e": (Interval(2, 5), lambda r: r.uniform(2, 5)),
    "f": (Interval(-math.inf, -1), lambda r: -1 - r.expovariate(1)),
}
FUNCTIONS = {
    "exp": math.exp, "abs": abs, "tanh": math.tanh, "square": lambda x: x * x, "atan": math.atan, "erf": math.erf,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)), "softplus": lambda x: math.log1p(math.exp(x)), "erfc": math.erfc,
    "relu": lambda x: max(x, 0.0), "expm1": math.expm1, "floor": math.floor, "sinh": math.sinh, "cosh": math.cosh,
}  # fmt: skip


def random_text(r: random.Random, depth: int) -> str:
    if depth == 0 or r.random() < 0.15:
        return r.choice([*VARIABLES, "0.5", "2", "3", "-1", "-2.5", "0"])
    kind = r.random()
    if kind < 0.55:
        return f"({random_text(r, depth - 1)} {r.choice('+-*/')} {random_text(r, depth - 1)})"
    if kind < 0.65:
        return f"({random_text(r, depth - 1)})^{r.choice(['2', '3', '4'])}"
    if kind < 0.75:
        return f"{r.choice(['max', 'min'])}({random_text(r, depth - 1)}, {random_text(r, depth - 1)})"
    return f"{r.choice(list(FUNCTIONS))}({random_text(r, depth - 1)})"


def found(text: str) -> Range:
    """The range of an expression of the variables, each of which reaches both its ends."""
    program = parse(Source("<test>", f"x = {text}"))
    statement = program.statements[0]
    assert isinstance(statement, syntax.Assign)
    source = Source("<test>", "")
    report = Report(source)
    build = Build(source, report, Names(report))
    for name, (interval, _) in VARIABLES.items():
        known = Range(interval, True, True, frozenset({name}), fills=True)
        build.define(Quantity(name, "latent", (), Scalar.REAL, Span(0, 0), known))
    return range_of(build.scope.expr(statement.value), build.names)


def value(text: str, values: dict[str, float]) -> float:
    """The expression in Python's own arithmetic; NaN where that has no number."""
    try:
        x = eval(text.replace("^", "**"), {**FUNCTIONS, "max": max, "min": min, **values})
    except (ZeroDivisionError, OverflowError, ValueError):
        return math.nan
    return math.nan if isinstance(x, complex) or not math.isfinite(x) else x


def test_ranges_contain_every_value() -> None:
    r = random.Random(5)
    tried = 0
    for _ in range(400):
        text = random_text(r, 4)
        interval = found(text).interval
        for _ in range(60):
            values = {name: draw(r) for name, (_, draw) in VARIABLES.items()}
            x = value(text, values)
            if math.isnan(x):
                continue
            tried += 1
            slack = 1e-9 * max(1.0, abs(x))
            assert interval.lower - slack <= x <= interval.upper + slack, (text, values, x, interval)
    assert tried > 10_000


def anywhere(r: random.Random, interval: Interval) -> float:
    """A value of a variable, often near an end of its interval or far out."""
    far = r.choice((-1, 1)) * 10 ** r.uniform(-6, 6)
    if r.random() < 0.3:
        far = r.gauss(0, 3)
    low, high = interval.lower, interval.upper
    if math.isinf(low) and math.isinf(high):
        return far
    if math.isinf(high):
        return low + abs(far)
    if math.isinf(low):
        return high - abs(far)
    return r.choice((low, high, r.uniform(low, high), low + 1e-6, high - 1e-6))


def somewhere(r: random.Random) -> dict[str, float]:
    return {name: anywhere(r, interval) for name, (interval, _) in VARIABLES.items()}


def test_what_is_certain_happens() -> None:
    """An expression said to become negative does so for some values of its variables; the same of positive."""
    r = random.Random(11)
    claims = {-1: 0, 1: 0}
    for _ in range(700):
        text = random_text(r, 3)
        known = found(text)
        i = known.interval
        wanted = set()
        if known.negative or (known.reaches_lower and i.lower < 0):
            wanted.add(-1)
        if known.positive or (known.reaches_upper and i.upper > 0):
            wanted.add(1)
        if all(math.isnan(value(text, somewhere(r))) for _ in range(20)):  # a division by 0
            continue
        for sign in wanted:
            claims[sign] += 1
            assert any(value(text, somewhere(r)) * sign > 0 for _ in range(20_000)), (text, sign, known)
    assert min(claims.values()) > 100
