"""Linear algebra and interpolation on whole arrays, of latents and of data, with and without axes, against NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from tests.density.from_text import compiled

Values = Mapping[str, np.ndarray]

PARTS = """
dim k = 3
dim m = 2
dim g = 4
data y[k], X[g, k], S[g, k, k], c[k, m]
W[i, j]  ~ Normal(0, 1)  for i in k, j in k
b[k]     ~ Normal(0, 1)
u[g, k]  ~ Normal(0, 1)
s        ~ LogNormal(0, 0.3)
A = W @ transpose(W) + diag(fill(2 + s, k))
"""


def each(function: Callable[..., Any], *arrays: np.ndarray) -> np.ndarray:
    return np.stack([function(*parts) for parts in zip(*arrays, strict=True)])


# name and indices on the left ([]: a whole array), expression, what NumPy makes of it
FORMS: list[tuple[str, str, Callable[[Values], Any]]] = [
    ("p[k]", "A @ b", lambda v: v["A"] @ v["b"]),
    ("p[m]", "b @ c", lambda v: v["b"] @ v["c"]),
    ("p[k, m]", "A @ c", lambda v: v["A"] @ v["c"]),
    ("p[g, k]", "S[g] @ b", lambda v: v["S"] @ v["b"]),
    ("p[g, k]", "A @ u[g]", lambda v: v["u"] @ v["A"].T),
    ("p[g]", "X[g] @ b", lambda v: v["X"] @ v["b"]),
    ("p[g, k]", "(S[g] @ A) @ u[g]", lambda v: np.einsum("gij,jk,gk->gi", v["S"], v["A"], v["u"])),
    ("p[]", "cholesky(A)", lambda v: np.linalg.cholesky(v["A"])),
    ("p[k]", "solve(A, b)", lambda v: np.linalg.solve(v["A"], v["b"])),
    ("p[k, m]", "solve(A, c)", lambda v: np.linalg.solve(v["A"], v["c"])),
    ("p[g, k]", "solve(A, u[g])", lambda v: np.linalg.solve(v["A"], v["u"].T).T),
    ("p[g, k]", "solve(S[g] + A, X[g])", lambda v: each(lambda s, x: np.linalg.solve(s + v["A"], x), v["S"], v["X"])),
    ("p[k]", "solve_lower(cholesky(A), b)", lambda v: np.linalg.solve(np.linalg.cholesky(v["A"]), v["b"])),
    ("p[g, k]", "solve_lower(cholesky(A), X[g])", lambda v: np.linalg.solve(np.linalg.cholesky(v["A"]), v["X"].T).T),
    ("p[]", "inverse(A)", lambda v: np.linalg.inv(v["A"])),
    ("p", "logdet(A)", lambda v: np.linalg.slogdet(v["A"])[1]),
    ("p[g]", "logdet(S[g] + A)", lambda v: np.linalg.slogdet(v["S"] + v["A"])[1]),
    ("p", "trace(A)", lambda v: np.trace(v["A"])),
    ("p", "quadratic(b, A)", lambda v: v["b"] @ v["A"] @ v["b"]),
    ("p[g]", "quadratic(u[g], inverse(A))", lambda v: np.einsum("gi,ij,gj->g", v["u"], np.linalg.inv(v["A"]), v["u"])),
    ("p[]", "diag(b)", lambda v: np.diag(v["b"])),
    ("p[g]", "diag(u[g])", lambda v: np.stack([np.diag(x) for x in v["u"]])),
    ("p[k]", "diagonal(A)", lambda v: np.diag(v["A"])),
    ("p[k, m]", "outer(b, c[0])", lambda v: np.outer(v["b"], v["c"][0])),
    ("p[g]", "outer(u[g], b)", lambda v: np.einsum("gi,j->gij", v["u"], v["b"])),
    ("p[g]", "dot(u[g], b)", lambda v: v["u"] @ v["b"]),
    ("p[m, k]", "transpose(c) + outer(stack(m, 1, s), b)", lambda v: v["c"].T + np.outer([1, v["s"]], v["b"])),
    ("p[k]", "softmax(A @ b) * sort(b)", lambda v: special.softmax(v["A"] @ v["b"]) * np.sort(v["b"])),
    ("p[k]", "interp(b, c[:, 0], b)", lambda v: np.interp(v["b"], v["c"][:, 0], v["b"])),
    ("p[g]", "interp(u[g, 0], X[g], b)", lambda v: each(lambda a, x: np.interp(a, x, v["b"]), v["u"][:, 0], v["X"])),
    ("p[g, k]", "interp(u[g], y, X[g])", lambda v: each(lambda a, x: np.interp(a, v["y"], x), v["u"], v["X"])),
    ("p", "interp(s, y, b)", lambda v: np.interp(v["s"], v["y"], v["b"])),
]  # fmt: skip


def data() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    s = rng.normal(size=(4, 3, 3))
    return {
        "y": np.array([-0.4, 0.1, 0.9]),
        "X": np.sort(rng.normal(size=(4, 3))),
        "S": s @ np.swapaxes(s, 1, 2) + np.eye(3),
        "c": np.sort(rng.normal(size=(3, 2)), axis=0),
    }


@pytest.mark.parametrize("given", ["latents", "data"])
def test_values_and_gradients(given: str) -> None:
    """All forms in one model, each observed through the sum of its squares."""
    names = [f"p{n}" for n in range(len(FORMS))]
    lefts = [left.replace("p", name, 1).removesuffix("[]") for name, (left, _, _) in zip(names, FORMS, strict=True)]
    lines = [f"{left} = {text}" for left, (_, text, _) in zip(lefts, FORMS, strict=True)]
    wholes = [name if left == "p" else f"sum(square({name}))" for name, (left, _, _) in zip(names, FORMS, strict=True)]
    text, inputs = PARTS, data()
    if given == "data":
        text = text.replace("W[i, j]  ~ Normal(0, 1)  for i in k, j in k\n", "data W[k, k], b[k], u[g, k], s > 0\n")
        text = "\n".join(line for line in text.splitlines() if not line.startswith(("b[", "u[", "s  ")))
        rng = np.random.default_rng(1)
        inputs |= {"W": rng.normal(size=(3, 3)), "b": rng.normal(size=3), "u": rng.normal(size=(4, 3)), "s": 0.7}
    # a sum of many parts is too deep for one expression
    total = [f"e{n} = {' + '.join(wholes[n : n + 8])}" for n in range(0, len(wholes), 8)]
    total.append(f"mu ~ Normal({' + '.join(line.split(' ')[0] for line in total)}, 100)")
    density = compiled("\n".join([text, *lines, *total]), inputs)
    u = np.random.default_rng(2).normal(size=density.size) * 0.5
    h = 1e-5
    steps = h * np.concatenate([np.zeros((1, density.size)), np.eye(density.size), -np.eye(density.size)])
    with jax.enable_x64(True):
        log_p, gradient = jax.jit(jax.vmap(jax.value_and_grad(density.log_density)))(jnp.asarray(u + steps))
        values = {**inputs, **{n: np.asarray(x) for n, x in jax.jit(density.constrain)(jnp.asarray(u)).items()}}
    values["A"] = values["W"] @ values["W"].T + (2 + values["s"]) * np.eye(3)
    expected = [np.asarray(reference(values)) for _, _, reference in FORMS]
    if given == "latents":
        for name, (left, form, _), wanted in zip(names, FORMS, expected, strict=True):
            np.testing.assert_allclose(values[name], wanted, rtol=1e-9, atol=1e-12, err_msg=f"{left} = {form}")
    else:
        mean = sum(x if left == "p" else np.sum(x**2) for x, (left, _, _) in zip(expected, FORMS, strict=True))
        normal = -0.5 * ((values["mu"] - mean) / 100) ** 2 - np.log(100) - 0.5 * np.log(2 * np.pi)
        np.testing.assert_allclose(log_p[0], normal, rtol=1e-10)
    up, down = np.asarray(log_p[1:]).reshape(2, -1)
    difference = (up - down) / (2 * h)
    np.testing.assert_allclose(gradient[0], difference, rtol=1e-6, atol=1e-6 * np.abs(difference).max())


def test_interpolation_is_constant_outside_its_points() -> None:
    text = """
    dim knot
    data at[knot], height[knot]
    x ~ Normal(0, 3)
    y = interp(x, at, height)
    """
    density = compiled(text, {"at": [0.0, 1.0, 3.0], "height": [2.0, 4.0, 0.0]})
    with jax.enable_x64(True):
        points = jnp.asarray([[-5.0], [0.0], [0.5], [1.0], [2.0], [3.0], [9.0]])
        y, slope = jax.jit(jax.vmap(jax.value_and_grad(lambda u: density.constrain(u)["y"])))(points)
    np.testing.assert_allclose(y, [2, 2, 3, 4, 2, 0, 0])
    np.testing.assert_allclose(np.asarray(slope)[[0, 2, 3, 4, 6], 0], [0, 2, -2, -2, 0])
