"""Rules of lowering where a careless edit would show nowhere else, against NumPy."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from ppl.compiler.density.scoring import Scored, total
from ppl.compiler.lowering.lower import Lowering
from ppl.compiler.lowering.named import Named
from ppl.compiler.lowering.shaping import lift
from ppl.compiler.passes.program import Program
from ppl.graph import Axis, ModelGraph
from ppl.source import Source
from tests.density.from_text import compare, compiled

RNG = np.random.default_rng(11)
norm = stats.norm.logpdf


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def test_filters_that_differ_between_the_outer_elements() -> None:
    text = """
dim i
dim j = 4
data x[i], y[i], m[i, j]
b[j] ~ Normal(0, 1)
c ~ Normal(0, 1)
total[i] = sum(c * m[i, q] for q in j if m[i, q] < x[i])
product[i] = prod(1 + b[q]^2 for q in j if m[i, q] < x[i])
top[i] = max(b[q] - 5 for q in j if m[i, q] < x[i])
low[i] = min(b[q] + 5 for q in j if m[i, q] < x[i])
average[i] = mean(b[q] for q in j if m[i, q] < x[i])
soft[i] = logsumexp(b[q] for q in j if m[i, q] < x[i])
y[i] ~ Normal(total[i] + 0.1 * product[i] + top[i] + 2 * low[i] + 3 * average[i] + 4 * soft[i], 1)
"""
    m = RNG.normal(size=(5, 4))
    x = np.sort(m, axis=1)[np.arange(5), [1, 2, 3, 1, 2]] + 1e-6
    y = RNG.normal(size=5)

    def reference(v):
        b, mean = v["b"], []
        for row, bound in zip(m, x, strict=True):
            kept = row < bound
            parts = (
                v["c"] * row[kept].sum(),
                0.1 * np.prod(1 + b[kept] ** 2),
                b[kept].max() - 5,
                2 * (b[kept].min() + 5),
                3 * b[kept].mean(),
                4 * special.logsumexp(b[kept]),
            )
            mean.append(sum(parts))
        return norm(b).sum() + norm(v["c"]) + norm(y, np.array(mean), 1).sum()

    compare(compiled(text, {"x": x, "y": y, "m": m}), reference, lambda v: [v["b"], v["c"]], scale=0.7)


def test_reductions_over_axes_that_the_body_lacks() -> None:
    text = """
dim i = 3
dim j = 2
data y
b[j] ~ Normal(0, 1)
m = mean(b[q] for p in i, q in j)
l = logsumexp(b[q] for p in i, q in j)
n = prod(b[q] for p in i, q in j)
s = sum(b[q] for p in i, q in j)
y ~ Normal(m + 2 * l + 0.3 * n + 4 * s, 1)
"""

    def reference(v):
        b = np.repeat(v["b"], 3)
        return norm(v["b"]).sum() + norm(0.3, b.mean() + 2 * special.logsumexp(b) + 0.3 * b.prod() + 4 * b.sum())

    compare(compiled(text, {"y": 0.3}), reference, lambda v: [v["b"]], scale=0.7)


def test_filters_and_shifts_in_part_of_a_dim() -> None:
    text = """
dim time ordered
data y[time], keep[time] : bool
a[time] ~ Normal(0, 1)
y[t] ~ Normal(
  sum(a[r] * y[r] for r in time[2:] if keep[r])
  + sum((a[r+1] - a[r])^2 for r in time[1:-1] if keep[r])
  + sum(a[2*r - 3] * a[r] for r in time[2:4])
  + a[t-1] * a[-1],
  1) for t in time[1:] if keep[t]
"""
    y, keep = RNG.normal(size=6), np.array([1, 0, 1, 1, 0, 1], bool)

    def reference(v):
        a = v["a"]
        s = sum(a[t] * y[t] for t in range(2, 6) if keep[t])
        d = sum((a[t + 1] - a[t]) ** 2 for t in range(1, 5) if keep[t])
        e = sum(a[2 * t - 3] * a[t] for t in range(2, 4))
        return norm(a).sum() + sum(norm(y[t], s + d + e + a[t - 1] * a[-1]) for t in range(1, 6) if keep[t])

    compare(compiled(text, {"y": y, "keep": keep}), reference, lambda v: [v["a"]], scale=0.5)


def test_sizes_and_order_of_dims_that_are_made() -> None:
    text = """
dim i = 2
dim j = 3
dim k = 4
data y[i, j], z[j, i, k]
a, b[j], c[i], f[k], A[i, k], B[j, k] ~ Normal(0, 1)
grid = fill(a, i, j)
inner[i, j] = sum(A[i, r] * B[j, r] for r in k)
outer[i, j] = sum(c[i] * b[j] * f[q] for q in k)
cube[j, i] = b[j] - c[i]
y ~ Normal(grid + outer + inner, 1)
z[q, p, r] ~ Normal(cube[q, p] * f[r], 1) for q in j, p in i, r in k
"""
    y, z = RNG.normal(size=(2, 3)), RNG.normal(size=(3, 2, 4))

    names = ("a", "b", "c", "f", "A", "B")

    def reference(v):
        a, b, c, f = v["a"], v["b"], v["c"], v["f"]
        mean = a + np.outer(c, b) * f.sum() + v["A"] @ v["B"].T
        cube = b[:, None] - c[None, :]
        prior = sum(norm(v[name]).sum() for name in names)
        return prior + norm(y, mean, 1).sum() + norm(z, cube[:, :, None] * f, 1).sum()

    density = compiled(text, {"y": y, "z": z})
    compare(density, reference, lambda v: [v[name] for name in names], scale=0.7)


def test_a_branch_of_arrays_guards_places_and_no_parts() -> None:
    """The running sum where v > 0 depends on elements of v below 0 too; the quantity outside a branch on all of it."""
    text = """
dim j = 5
data y[j]
v[j] ~ Normal(0, 1)
a ~ Normal(0, 1)
def kinked(q) {
  return (sqrt(q) if q > 0 else 0.5 * q) + 2 * q
}
m = (exp(cumsum(v)) if v > 0 else v)
y[p] ~ Normal(m[p] + kinked(a - 0.3 * p), 1) for p in j
"""
    y = RNG.normal(size=5)

    def reference(v):
        x = v["v"]
        m = np.where(x > 0, np.exp(np.cumsum(x)), x)
        q = v["a"] - 0.3 * np.arange(5)
        kinked = np.where(q > 0, np.sqrt(np.maximum(q, 0)), 0.5 * q) + 2 * q
        return norm(x).sum() + norm(v["a"]) + norm(y, m + kinked, 1).sum()

    compare(compiled(text, {"y": y}), reference, lambda v: [v["v"], v["a"]], scale=0.7)


def test_minibatches_of_terms_over_parts_of_a_dim() -> None:
    """One value read under two indices, one of which leaves out elements of the batch."""
    text = """
dim obs ordered
data x[obs], y[obs], z[obs], w[obs]
a, b ~ Normal(0, 1)
mu[obs] = exp(a * x[obs]) + b
y[i] ~ Normal(mu[i], 1) for i in obs
z[j] ~ Normal(mu[j] * x[j], 1) for j in obs[2:]
w[l] ~ Normal(mu[l-1] + a * x[l-1], 1) for l in obs[1:-1]
"""
    data = {name: RNG.normal(size=6) for name in "xyzw"}
    density = compiled(text, data)

    def pointwise(a, b, at):
        mu = np.exp(a * data["x"]) + b
        total = norm(data["y"][at], mu[at])
        if at >= 2:
            total += norm(data["z"][at], mu[at] * data["x"][at])
        if 1 <= at < 5:
            total += norm(data["w"][at], mu[at - 1] + a * data["x"][at - 1])
        return total

    u = jnp.asarray([0.4, -0.7])
    prior = norm(0.4) + norm(-0.7)
    estimate = jax.jit(lambda positions: density.log_density_on(u, {"obs": positions}))
    for batch in ([0], [1], [5], [4, 2, 0]):
        expected = prior + 6 / len(batch) * sum(pointwise(0.4, -0.7, at) for at in batch)
        assert float(estimate(jnp.asarray(batch))) == pytest.approx(expected, rel=1e-12)


def test_signs_in_a_linear_predictor() -> None:
    text = """
dim obs
data x[obs], w[obs], y[obs]
a, b ~ Normal(0, 1)
y[obs] ~ Normal(a * x[obs] - exp(b) - (b * w[obs] - (-(a * b * w[obs]))) - a^2, 1)
"""
    data = {name: RNG.normal(size=5) for name in "xwy"}

    def reference(v):
        a, b, x, w = v["a"], v["b"], data["x"], data["w"]
        mean = a * x - np.exp(b) - b * w - a * b * w - a**2
        return norm(a) + norm(b) + norm(data["y"], mean, 1).sum()

    compare(compiled(text, data), reference, lambda v: [v["a"], v["b"]], scale=0.7)


@pytest.mark.parametrize("on", [False, True])
def test_a_filter_without_an_index_switches_a_term(on: bool) -> None:
    text = """
dim i = 3
data y[i], on : bool
a[i] ~ Normal(0, 1)
c ~ Normal(0, 1)
v[0] = c
v[p] = a[p]^2 for p in i[1:]
y[p] ~ Normal(v[p], 1) for p in i if on
"""
    y = RNG.normal(size=3)

    def reference(v):
        vector = np.array([v["c"], *v["a"][1:] ** 2])
        return norm(v["a"]).sum() + norm(v["c"]) + on * norm(y, vector, 1).sum()

    compare(compiled(text, {"y": y, "on": np.array(on)}), reference, lambda v: [v["a"], v["c"]], scale=0.7)


# --- what no text asks for yet -----------------------------------------------------------------------

P, Q = Axis("p", "i"), Axis("q", "j")


def lowering() -> Lowering:
    def nothing(name: str) -> np.ndarray:
        raise KeyError(name)

    return Lowering(Program(ModelGraph(None, Source("<test>", ""), {}, ()), {"i": 2, "j": 3}, {}), np, nothing)


def test_lifted_axes_stand_in_the_order_asked_for() -> None:
    array = np.arange(6.0).reshape(2, 3)
    lifted = lift(lowering(), Named(array, (P, Q)), (Q, P))
    assert lifted.axes == ()
    assert (lifted.array == array.T).all()
    assert lift(lowering(), Named(array[:, 0], (P,)), (P, Q)).array.tolist() == [[0.0] * 3, [3.0] * 3]


def test_a_term_counts_once_for_each_element_of_an_axis_it_lacks() -> None:
    log_prob = Named(np.array([1.0, 2.0]), (P,))
    assert total(Scored(log_prob, log_prob, {}, None, lowering()), (P, Q)) == 9.0
