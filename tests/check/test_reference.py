"""Random expressions, checked and compiled, against an interpreter that reads the syntax tree one element at a time;
their derivatives against differences."""

from __future__ import annotations

import random

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ppl.compiler.binding.bind import bind
from ppl.compiler.check import check
from ppl.compiler.density.compiled import compile_density
from ppl.data import load
from ppl.grammar import nodes as syntax
from ppl.grammar.parser import parse
from ppl.source import Source
from tests.check.interpreter import World, assigned

SIZES = {"obs": 5, "k": 2, "species": 3}
LABELS = {"species": ("a", "b", "d")}
SETTING = """
dim obs ordered
dim k = 2
dim species = {a, b, d}
data x[obs], g[obs] : k, n[obs] : count, X[obs, k], q[obs] : bool, w[k] > 0, sp[species]
al ~ Normal(0, 1)
b[k] ~ Normal(0, 1)
c[obs] ~ Normal(0, 1)
M[obs, k] ~ Normal(0, 1)
B[k, species] ~ Normal(0, 1)
L[k, j] ~ Normal(0, 1) for j in k
def f(u, v) = u * v + al
def h(u) {
  t = exp(-abs(u))
  return t / (1 + t)
}
"""
# The language calls the second axis of L by another name; the interpreter needs only its shape.
ATOMS = {
    "scalar": [
        "al", "0.5", "2", "b[0]", "b[1]", "c[0]", "c[-1]", "M[0, 1]", "sp.a", "B[0].b", "B[1].d", "sum(b)", "mean(c)",
        "dot(b, w)", "(b @ w)", "sum(b[i] * w[i] for i in k)", "logsumexp(b)", "length(obs)", "max(b)", "min(c)",
        "sum(M)",        "quadratic(b, L)", "sum(x[i] for i in obs if q[i])", "sum(c[t] * c[t-1] for t in obs[1:])",
        "prod(w)",
        "sum(x[i] * c[j] for i in obs, j in obs if i < j)", "logdet(L)", "max(c[i] * x[i] for i in obs)", "mean(c[1:])",
        "sum(c[2:4])", "dot(c[1:], x[:-1])",
    ],
    "obs": [
        "x[obs]", "c[obs]", "b[g[obs]]", "M[obs, 0]", "M[obs, g[obs]]", "(X[obs] @ b)", "dot(M[obs], X[obs])", "n[obs]",
        "q[obs]", "sum(M[obs, k], k)", "sum(M[obs, i] * b[i] for i in k)", "mean(M[obs])", "L[g[obs], g[obs]]",
        "softmax(b)[g[obs]]", "cumsum(c)[obs]", "(X @ b)[obs]", "f(x[obs], al)", "h(c[obs])", "obs", "sort(c)[obs]",
        "sum(c[j] for j in obs if j <= obs)", "B[g[obs]].a", "max(x[obs], c[obs])", "(c[obs] if q[obs] else x[obs])",
        "sum(B[g[obs]] * sp)", "solve(L, b)[g[obs]]", "sum(c[obs] - c[j] for j in obs)", "exp(c)[obs]",
        "(M[obs, :] @ b)",
        "sum(x[j] * (1 if g[j] == g[obs] else 0) for j in obs)", "mean(c[obs], obs)", "x[obs] - mean(x[obs], obs)",
    ],
    "array": [
        "x", "c", "(X @ b)", "b[g]", "(M @ b)", "M[:, 0]", "cumsum(x)", "exp(c)", "sum(M, k)", "mean(X, k)", "n",
        "fill(al, obs)", "f(x, c)", "h(c)", "softmax(c)", "(M @ solve(L, b))", "cumsum(c[j] for j in obs)", "sort(x)",
        "q",        "diagonal(outer(x, c))", "transpose(M)[0]", "f(c, 2)", "(M * X)[:, 1]",
        "cumsum(x[j] * al for j in obs)",
    ],
}  # fmt: skip
CONDITIONS = {"scalar": ["al > 0", "b[0] < b[1] or al > 1"], "obs": ["q[obs]", "x[obs] > 0 and not q[obs]"],
              "array": ["q", "x > c"]}  # fmt: skip


def random_text(r: random.Random, kind: str, depth: int) -> str:
    draw = r.random()
    if depth == 0 or draw < 0.3:
        return r.choice(ATOMS[kind])
    if draw < 0.4 and kind != "scalar":
        return random_text(r, "scalar", depth - 1)
    if draw < 0.75:
        return f"({random_text(r, kind, depth - 1)} {r.choice('+-*')} {random_text(r, kind, depth - 1)})"
    if draw < 0.92:
        function = r.choice(["tanh(", "sigmoid(", "sin(", "f(0.5, ", "abs(", "softplus(", "square(", "erf(", "h("])
        return f"{function}{random_text(r, kind, depth - 1)})"
    test = r.choice(CONDITIONS[kind])
    return f"({random_text(r, kind, depth - 1)} if {test} else {random_text(r, kind, depth - 1)})"


@pytest.mark.parametrize("seed", range(4))
def test_values_agree_with_the_interpreter(seed: int) -> None:
    r = random.Random(seed)
    kinds = [r.choice(["scalar", "obs", "array", "obs", "array"]) for _ in range(12)]
    # What depends on data alone is no draw; al makes each value one.
    left = {"scalar": "", "obs": "[obs]", "array": ""}
    lines = [f"v{n}{left[kind]} = al + {random_text(r, kind, 3)}" for n, kind in enumerate(kinds)]
    program = parse(Source("<test>", SETTING + "\n".join(lines)))
    model = check(program).graph
    rng = np.random.default_rng(seed)
    data = {
        "x": rng.normal(size=5), "g": rng.integers(0, 2, 5), "n": rng.integers(0, 4, 5), "X": rng.normal(size=(5, 2)),
        "q": rng.random(5) < 0.5, "w": rng.random(2) + 0.1, "sp": rng.normal(size=3),
    }  # fmt: skip
    with jax.enable_x64(True):
        density = compile_density(model, bind(model, load(data)))
        u = jnp.asarray(rng.normal(size=density.size))
        constrain = jax.jit(density.constrain)
        found = {name: np.asarray(value) for name, value in constrain(u).items()}
        weights = {name: jnp.asarray(rng.normal(size=value.shape)) for name, value in found.items()}

        def mixed(u: jax.Array) -> jax.Array:
            return jnp.stack([jnp.sum(weights[n] * v) for n, v in density.constrain(u).items()]).sum()

        direction = rng.normal(size=density.size)
        slope = float(np.asarray(jax.jit(jax.grad(mixed))(u)) @ direction)
        ahead, behind = (constrain(u + sign * 1e-6 * direction) for sign in (1, -1))
        differences = {
            n: np.sum(np.asarray(weights[n]) * (np.asarray(ahead[n]) - np.asarray(behind[n]))) for n in found
        }
        size = sum(float(np.abs(value).sum()) for value in found.values())
        assert slope == pytest.approx(sum(differences.values()) / 2e-6, rel=1e-5, abs=1e-8 * size)
    functions = {s.name.id: s for s in program.statements if isinstance(s, syntax.FunctionDefinition)}
    world = World(SIZES, LABELS, {**data, **{n: found[n] for n in ("al", "b", "c", "M", "B", "L")}}, functions)
    compared = 0
    for statement in program.statements:
        if isinstance(statement, syntax.Assign):
            name = statement.targets[0].name.id
            expected = assigned(statement, world)
            expected = np.broadcast_to(expected, found[name].shape)
            np.testing.assert_allclose(found[name], expected, rtol=1e-9, atol=1e-9, err_msg=lines[compared])
            compared += 1
    assert compared == len(lines)


def test_a_choice_between_products_keeps_their_whole_gradient() -> None:
    """Each element of a matrix product depends on every element of the vector, chosen or not."""
    text = "dim obs\ndata x[obs], q[obs] : bool\nc[obs] ~ Normal(0, 1)\nv = exp(outer(x, x) @ c) if q else c"
    x, q = np.array([0.5, -1.0, 2.0]), np.array([True, False, False])
    with jax.enable_x64(True):
        model = check(parse(Source("<test>", text))).graph
        density = compile_density(model, bind(model, load({"x": x, "q": q})))
        c = np.array([0.1, 0.2, -0.3])
        slope = np.asarray(jax.grad(lambda u: density.constrain(u)["v"].sum())(jnp.asarray(c)))
    expected = np.exp(x[0] * (x @ c)) * x[0] * x + ~q
    np.testing.assert_allclose(slope, expected, rtol=1e-12)
