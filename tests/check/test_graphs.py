"""What the checker makes of each form of the language: axes, event dims, subscripts, supports, pieces."""

from __future__ import annotations

import pytest

from ppl.graph import (
    Affine,
    Aligned,
    Apply,
    Axis,
    Fill,
    Fixed,
    Gather,
    Input,
    Labelled,
    Latent,
    Lift,
    Literal,
    Position,
    Prediction,
    Read,
    Reduce,
    Select,
    Stack,
    Value,
    Whole,
)
from ppl.types import IndexOf, Scalar
from tests.check.programs import checked, codes, graph, term

OBS = Axis("obs", "obs")


def value(text: str, name: str) -> Value:
    found = graph(text)[name]
    assert isinstance(found, Value)
    return found


def latent(text: str, name: str) -> Latent:
    found = graph(text)[name]
    assert isinstance(found, Latent)
    return found


# --- plates and gathers ------------------------------------------------------------------------------


def test_radon() -> None:
    model = graph("""
dim obs, county
data y[obs], floor[obs] : bool, county_of[obs] : county from 1
tau ~ HalfNormal(1)
alpha[county] ~ Normal(0, tau)
y[obs] ~ Normal(alpha[county_of[obs]] + floor[obs], 1)
""")
    alpha = model["alpha"]
    assert isinstance(alpha, Latent)
    assert (alpha.dims, alpha.support.kind, alpha.event_rank, alpha.flat) == (("county",), "real", 0, False)
    floor, county_of = model["floor"], model["county_of"]
    assert isinstance(floor, Input)
    assert isinstance(county_of, Input)
    assert (floor.element, county_of.element) == (Scalar.BOOL, IndexOf("county", 1))
    y = term(model, "y")
    assert (y.role, y.axes, y.where) == ("observed", (OBS,), None)
    mean = y.distribution.parameter("mean")
    assert isinstance(mean, Apply)
    assert mean.meta.axes == (OBS,)
    gathered = mean.arguments[0]
    assert isinstance(gathered, Read)
    (subscript,) = gathered.subscripts
    assert isinstance(subscript, Gather)
    assert isinstance(subscript.index, Read)
    assert subscript.index.subscripts == (Aligned(OBS),)
    assert [type(n).__name__ for n in model.nodes][-1] == "Term"


def test_a_for_block_is_a_plate_over_its_statements() -> None:
    block = graph("""
dim obs
data y[obs]
for i in obs {
  m[i] ~ Normal(0, 1)
  y[i] ~ Normal(m[i], 1)
}
""")
    loop = Axis("i", "obs")
    assert [t.axes for t in block.terms] == [(loop,), (loop,)]
    assert block.terms[1].distribution.parameters[0][1] == Read(
        "m", (Aligned(loop),), block.terms[1].distribution.parameters[0][1].meta
    )


def test_whole_arrays_are_event_dims() -> None:
    model = graph("""
dim obs, feature
data X[obs, feature], y[obs]
beta[feature] ~ Normal(0, 1)
y ~ Normal(X @ beta, 1)
""")
    y = term(model, "y")
    assert (y.axes, y.target.meta.event) == ((), (Whole("obs"),))
    mean = y.distribution.parameter("mean")
    assert mean is not None
    assert mean.meta.event == (Whole("obs"),)


def test_an_array_over_the_plates_is_read_element_by_element() -> None:
    text = """
dim obs, county
data y[obs], x[obs], county_of[obs] : county
a[county] ~ Normal(0, 1)
y[obs] ~ Normal(a[county_of[obs]] + 2 * x, 1)
"""
    mean = term(graph(text), "y").distribution.parameter("mean")
    assert isinstance(mean, Apply)
    assert mean.meta.event == ()
    doubled = mean.arguments[1]
    assert isinstance(doubled, Apply)
    assert doubled.arguments[1] == Read("x", (Aligned(OBS),), doubled.arguments[1].meta)


def test_filters_are_kept_as_conditions() -> None:
    model = graph("dim obs\ndata y[obs], c[obs] : bool\nmu ~ Normal(0, 1)\ny[i] ~ Normal(mu, 1) for i in obs if c[i]")
    where = term(model, "y").where
    assert isinstance(where, Read)
    assert where.name == "c"


# --- event axes --------------------------------------------------------------------------------------


def test_the_last_index_of_a_vector_distribution_is_its_event() -> None:
    text = """
dim state = 3
data a[state] > 0
P[k, state] ~ Dirichlet(a[state]) for k in state
"""
    model = graph(text)
    found = model["P"]
    assert isinstance(found, Latent)
    assert (found.dims, found.support.kind, found.event_rank) == (("state", "state"), "simplex", 1)
    t = term(model, "P")
    assert t.axes == (Axis("k", "state"),)
    assert t.target.meta.event == (Whole("state"),)
    concentration = t.distribution.parameter("concentration")
    assert isinstance(concentration, Lift)
    assert concentration.axes == (Axis("state", "state"),)
    assert (concentration.meta.axes, concentration.meta.event) == ((), (Whole("state"),))


def test_a_scalar_mean_is_filled_to_a_vector() -> None:
    text = "dim obs\ndata K[obs, obs], y[obs]\nf[obs] ~ MvNormal(0, K)\ny[obs] ~ Normal(f[obs], 1)"
    mean = term(graph(text), "f").distribution.parameter("mean")
    assert isinstance(mean, Fill)
    assert mean.meta.event == (Whole("obs"),)


def test_a_batch_of_vectors_has_parameters_for_each() -> None:
    text = """
dim group, k
data S[k, k], m[k]
b ~ MvNormal(fill(0, group, k), S)
c[group, k] ~ MvNormal(m, S)
"""
    model = graph(text)
    b = term(model, "b").distribution
    assert [p.meta.event for _, p in b.parameters] == [
        (Whole("group"), Whole("k")), (Whole("group"), Whole("k"), Whole("k"))
    ]  # fmt: skip
    c = term(model, "c")
    assert (c.axes, [p.meta.event for _, p in c.distribution.parameters]) == (
        (Axis("group", "group"),),
        [(Whole("k"),), (Whole("k"), Whole("k"))],
    )


def test_matrix_latents_name_both_dims() -> None:
    found = latent("dim k\nL[i, j] ~ LKJCholesky(2) for i in k, j in k", "L")
    assert (found.dims, found.support.kind, found.event_rank, found.axes) == (("k", "k"), "cholesky_corr", 2, ())


def test_dims_of_a_latent_come_from_its_parameters_if_the_left_names_none() -> None:
    text = "dim k\ndata m[k]\na ~ Normal(m, 1)\nw ~ Dirichlet(fill(1, k))"
    model = graph(text)
    assert [n.dims for n in model.latents] == [("k",)] * 2


# --- supports ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declaration", "kind"),
    [("x", "real"), ("x > 0", "positive"), ("x >= 0", "nonnegative"), ("x in [0, 1]", "unit_interval"),
     ("x > 1", "interval"), ("x < 0", "interval"), ("x in [-1, 1]", "interval"), ("x[k] : simplex", "simplex"),
     ("x[k] : ordered", "ordered"), ("x[k] : ordered > 0", "positive_ordered"), ("x[k] : ordered > 1", "ordered"),
     ("x[k, k] : cholesky_corr", "cholesky_corr"), ("x : real > 0", "positive")],
)  # fmt: skip
def test_declared_supports(declaration: str, kind: str) -> None:
    found = latent(f"dim k\nvar {declaration}", "x")
    assert (found.support.kind, found.flat) == (kind, True)


def test_bounds_depend_on_other_latents() -> None:
    found = latent("dim k\nvar a[k] in [0, 1]\nvar b[k] in [0, 1 - a[k]], c[k] > a", "b")
    assert found.axes == (Axis("k", "k"),)
    assert found.support.upper is not None
    assert found.support.upper.meta.axes == (Axis("k", "k"),)
    c = latent("dim k\nvar a[k] in [0, 1]\nvar b[k] in [0, 1 - a[k]], c[k] > a", "c")
    assert c.support.lower == Read("a", (Aligned(Axis("k", "k")),), c.support.lower.meta)


@pytest.mark.parametrize(
    ("distribution", "kind", "lower", "upper"),
    [("Uniform(1, 2)", "interval", 1, 2), ("Pareto(1, 2)", "interval", 1, None),
     ("truncated(Normal(0, 1), lower=2)", "interval", 2, None), ("truncated(HalfNormal(1), upper=2)", "interval", 0, 2),
     ("truncated(HalfNormal(1), lower=-1, upper=2)", "interval", 0, 2),
     ("truncated(Beta(1, 1), 0.2, 2)", "interval", 0.2, 1),
     ("truncated(Uniform(0, 3), upper=2)", "interval", 0, 2)],
)  # fmt: skip
def test_bounds_from_the_distribution(distribution: str, kind: str, lower: float | None, upper: float | None) -> None:
    support = latent(f"x ~ {distribution}", "x").support
    assert support.kind == kind
    for bound, expected in ((support.lower, lower), (support.upper, upper)):
        assert (bound is None) == (expected is None)
        if bound is not None:
            assert isinstance(bound, Literal)
            assert bound.value == expected


def test_ordered() -> None:
    model = graph("dim k\na[k] ~ ordered(Normal(0, 5))\nb[k] ~ ordered(Exponential(1))")
    kinds = [(n.support.kind, n.event_rank) for n in model.latents]
    assert kinds == [("ordered", 1), ("positive_ordered", 1)]
    assert (model.terms[0].distribution.name, model.terms[0].distribution.base.name) == ("ordered", "Normal")


def test_pieces_of_one_support_written_in_two_ways() -> None:
    text = "dim time ordered\nx[0] ~ HalfNormal(1)\nx[t] ~ truncated(Normal(x[t-1], 1), lower=0) for t in time[1:]"
    assert codes(text) == []
    text = "dim time ordered\nx[0] ~ Beta(1, 1)\nx[t] ~ Uniform(0, 1) for t in time[1:]"
    assert codes(text) == []


# --- recurrences and ranges --------------------------------------------------------------------------

ORDER_TWO = """
dim time ordered
x[0] ~ Normal(0, 1)
x[1] ~ Normal(x[0], 1)
x[t] ~ Normal(x[t-1] - 0.5 * x[t-2], 1) for t in time[2:]
"""


def test_recurrence_of_order_two() -> None:
    model = graph(ORDER_TWO)
    assert [t.name for t in model.terms] == ["x[0]", "x[1]", "x[t]"]
    assert [t.role for t in model.terms] == ["latent"] * 3
    assert model.terms[2].axes == (Axis("t", "time", 2),)
    assert [type(n).__name__ for n in model.nodes] == ["Latent", "Term", "Term", "Term"]


@pytest.mark.parametrize(
    "text",
    [
        "x[0] ~ Normal(0, 1)\nx[t] ~ Normal(x[t-1], 1) for t in time[1:]",
        "x[t] ~ Normal(0, 1) for t in time[:2]\nx[t] ~ Normal(x[t-2] + x[0], 1) for t in time[2:]",
        "x[0] ~ Normal(0, 1)\nx[t] ~ Normal(x[t-1], 1) for t in time[1:-1]\nx[-1] ~ Normal(x[0], 1)",
        "x[0, k] ~ Normal(0, 1)\nx[t, k] ~ Normal(sum(x[t-1, j] for j in k), 1) for t in time[1:]",
        "x[k, 0] ~ Normal(0, 1)\nx[k, t] ~ Normal(x[k, t-1], 1) for t in time[1:]",
        "x[0] ~ Normal(0, 1)\nh[0] ~ Normal(0, 1)\nx[t] ~ Normal(h[t-1], 1) for t in time[1:]\n"
        "h[t] ~ Normal(x[t], 1) for t in time[1:]",
        "x[0] ~ Normal(0, 1)\nm[0] = 0\nm[t] = 2 * x[t-1] for t in time[1:]\nx[t] ~ Normal(m[t], 1) for t in time[1:]",
        "x[0] ~ Normal(0, 1)\nm[time] = 2 * x[time]\nn[time] = m[time]\nx[t] ~ Normal(n[t-1], 1) for t in time[1:]",
        "x[t, 0] ~ Normal(0, 1) for t in time\nx[0, s] ~ Normal(x[0, s-1], 1) for s in time[1:]\n"
        "x[t, s] ~ Normal(x[t-1, s] + x[t, s-1], 1) for t in time[1:], s in time[1:]",
    ],
)
def test_quantities_may_look_back(text: str) -> None:
    assert codes(f"dim time ordered\ndim k = 2\n{text}") == []


@pytest.mark.parametrize(
    "text",
    [
        "x[0] ~ Normal(0, 1)\nx[t] ~ Normal(x[t], 1) for t in time[1:]",
        "x[-1] ~ Normal(0, 1)\nx[t] ~ Normal(x[t+1], 1) for t in time[:-1]",
        "x[0] ~ Normal(x[1], 1)\nx[t] ~ Normal(0, 1) for t in time[1:]",
        "x[0] ~ Normal(0, 1)\nx[t] ~ Normal(sum(x), 1) for t in time[1:]",
        "x[0] ~ Normal(0, 1)\nx[t] ~ Normal(x[-1], 1) for t in time[1:]",
        "x[0] ~ Normal(0, 1)\nh[0] ~ Normal(0, 1)\nx[t] ~ Normal(h[t], 1) for t in time[1:]\n"
        "h[t] ~ Normal(x[t], 1) for t in time[1:]",
        "x[0] ~ Normal(0, 1)\nm[time] = 2 * x[time]\nx[t] ~ Normal(m[t], 1) for t in time[1:]",
        "x[0] ~ Normal(0, 1)\nm[0] = 0\nm[t] = x[t-1] for t in time[1:]\nn[t] = m[t+1] for t in time[:-1]\nn[-1] = 0\n"
        "x[t] ~ Normal(n[t], 1) for t in time[1:]",
        "x[0, k] ~ Normal(0, 1)\nx[t, k] ~ Normal(x[t, 0], 1) for t in time[1:]",
    ],
)
def test_quantities_may_not_look_ahead(text: str) -> None:
    assert codes(f"dim time ordered\ndim k = 2\n{text}") == ["E116"]


def test_lags_of_data() -> None:
    text = "dim time ordered\ndim lag = 3\ndata y[time]\nb[lag] ~ Normal(0, 1)\n"
    text += "y[t] ~ Normal(sum(b[k] * y[t-1-k] for k in lag), 1) for t in time[3:]"
    mean = term(graph(text), "y[t]").distribution.parameter("mean")
    assert isinstance(mean, Reduce)
    assert mean.axes == (Axis("k", "lag"),)
    product = mean.body
    assert isinstance(product, Apply)
    lagged = product.arguments[1]
    assert isinstance(lagged, Read)
    assert lagged.subscripts == (Affine(((Axis("t", "time", 3), 1), (Axis("k", "lag"), -1)), -1),)


def test_slices_become_shifts() -> None:
    text = "dim time ordered\ndata z[time]\ns ~ HalfNormal(1)\nz[1:] ~ Normal(z[:-1], s)"
    t = graph(text).terms[-1]
    (axis,) = t.axes
    assert (axis.dim, axis.start, axis.stop) == ("time", 1, None)
    mean = t.distribution.parameter("mean")
    assert isinstance(mean, Read)
    assert mean.subscripts == (Aligned(axis, -1),)


# --- values ------------------------------------------------------------------------------------------


def test_values_take_their_dims_from_the_left_and_from_whole_arrays() -> None:
    text = """
dim obs, feature
data X[obs, feature]
a = X
b[obs] = softmax(X[obs])
c[obs, feature] = softmax(X[obs])
K[i, j] = X[i, 0] - X[j, 0] for i in obs, j in obs
_hidden = 1
""".replace("dim obs, feature", "dim obs\ndim feature = 2")
    model = graph(text)
    assert {v.name: v.dims for v in model.values} == {
        "a": ("obs", "feature"), "b": ("obs", "feature"), "c": ("obs", "feature"), "K": ("obs", "obs"), "_hidden": (),
    }  # fmt: skip
    assert [v.recorded for v in model.values] == [True, True, True, True, False]


def test_values_in_pieces() -> None:
    found = value("dim time ordered\ndata y[time]\nd[0] = 0\nd[t] = y[t] - y[t-1] for t in time[1:]", "d")
    assert [p.subscripts for p in found.pieces] == [(Fixed(0),), (Aligned(Axis("t", "time", 1)),)]


def test_several_names_on_the_left() -> None:
    model = graph("a, b ~ Normal(0, 1)\nc, d = a + b")
    assert ([n.name for n in model.latents], [n.name for n in model.values]) == (["a", "b"], ["c", "d"])


def test_what_is_computed_from_data_alone_can_be_observed() -> None:
    model = graph("dim obs\ndata y[obs] > 0\nly[obs] = log(y[obs])\nmu ~ Normal(0, 1)\nly[obs] ~ Normal(mu, 1)")
    assert term(model, "ly").role == "observed"


def test_densities_on_declared_quantities() -> None:
    model = graph("dim k = 2\nvar mu[k] : ordered\nmu[0] ~ Normal(3, 1)\nmu[1] ~ Normal(8, 1)")
    assert [(t.role, t.name) for t in model.terms] == [("density", "mu[0]"), ("density", "mu[1]")]
    assert isinstance(model.terms[0].target, Read)
    assert model.terms[0].target.subscripts == (Fixed(0),)


# --- functions and forms of expressions --------------------------------------------------------------


def test_functions_are_expanded_and_close_over_the_model() -> None:
    text = """
g ~ Normal(0, 1)
def f(x, y) = x * g + y
def h(x) {
  a = f(x, y = 1)
  return a + a
}
v = h(2)
"""
    expr = value(text, "v").pieces[0].value
    assert isinstance(expr, Apply)
    assert expr.function == "add"
    inner = expr.arguments[0]
    assert isinstance(inner, Apply)
    assert next(a for a in inner.arguments if isinstance(a, Literal)).value == 1


def test_a_parameter_hides_a_quantity_and_for_indices_stay_outside() -> None:
    assert codes("x ~ Normal(0, 1)\ndef f(x) = x\na = f(1)") == []
    assert codes("dim obs\ndata y[obs]\ndef f(a) = a * y[i]\nb[i] = f(2) for i in obs") == ["E101"]
    assert codes("dim obs\ndata y[obs]\ndef f(a) = a * y[obs]\nb[obs] = f(2)") == []


def test_an_index_can_be_an_argument() -> None:
    text = "dim time ordered\ndata y[time]\ndef back(t) = y[t-1]\nd[0] = 0\nd[t] = back(t) for t in time[1:]"
    read = value(text, "d").pieces[1].value
    assert isinstance(read, Read)
    assert read.subscripts == (Aligned(Axis("t", "time", 1), -1),)


def test_positions_of_ordered_dims_are_numbers() -> None:
    expr = value("dim time ordered\na[time] = 2 * time", "a").pieces[0].value
    assert isinstance(expr, Apply)
    assert isinstance(expr.arguments[1], Position)


def test_labels() -> None:
    text = 'dim species = {prey, predator}\ndim site\ndata z[species], y[site]\na = z.predator\nb = y["north"]\n'
    text += "c = species(predator = 2, prey = 1)\nd = softmax(z).prey"
    model = graph(text)
    exprs = {v.name: v.pieces[0].value for v in model.values}
    assert isinstance(exprs["a"], Read)
    assert exprs["a"].subscripts == (Fixed(1),)
    assert isinstance(exprs["b"], Read)
    assert isinstance(exprs["b"].subscripts[0], Labelled)
    assert isinstance(exprs["c"], Stack)
    assert [i.value for i in exprs["c"].items if isinstance(i, Literal)] == [1, 2]
    assert isinstance(exprs["d"], Select)
    assert exprs["d"].subscripts == (Fixed(0),)


def test_reductions() -> None:
    text = "dim obs\ndim k = 3\ndata X[obs, k]\n"
    model = graph(
        text
        + "a = sum(X[i, j] for i in obs, j in k if i == i)\nb[obs] = mean(X[obs, k], k)\nc = sum(X)\nd = length(obs)\n"
        + "e = cumsum(X[i, 0] for i in obs)\nf = sum(X, obs)\ng[obs] = X[obs, 0] - mean(X[obs, 0], obs)"
    )
    assert {v.name: v.dims for v in model.values} == {
        "a": (), "b": ("obs",), "c": (), "d": (), "e": ("obs",), "f": ("k",), "g": ("obs",)
    }  # fmt: skip
    length = model["d"]
    assert isinstance(length, Value)
    assert isinstance(length.pieces[0].value, Reduce)
    centred = model["g"]
    assert isinstance(centred, Value)
    inner = centred.pieces[0].value
    assert isinstance(inner, Apply)
    assert isinstance(inner.arguments[1], Reduce)
    assert inner.arguments[1].meta.axes == ()


def test_predictions() -> None:
    model = graph("dim obs\ndata x[obs]\nb ~ Normal(0, 1)\npredict y[obs] ~ Poisson(exp(b * x[obs]))")
    found = model["y"]
    assert isinstance(found, Prediction)
    assert (found.dims, found.axes, found.element) == (("obs",), (OBS,), Scalar.COUNT)


def test_types_of_data_follow_what_observes_them() -> None:
    text = """
dim obs, k
data a[obs], b[obs], c[obs], d[obs], n[obs], e[obs] : int, p[k]
w[k] ~ Dirichlet(fill(1, k))
q ~ Beta(1, 1)
a[obs] ~ Bernoulli(q)
b[obs] ~ Binomial(n[obs], q)
c[obs] ~ Categorical(w)
d[obs] ~ Normal(0, 1)
e[obs] ~ Poisson(2)
"""
    found = {n.name: n.element for n in graph(text).inputs}
    assert found == {
        "a": Scalar.BOOL, "b": Scalar.COUNT, "c": IndexOf("k"), "d": Scalar.REAL, "n": Scalar.COUNT, "e": Scalar.INT,
        "p": Scalar.REAL,
    }  # fmt: skip


def test_functions_and_quantities_may_share_a_name() -> None:
    assert codes("dim obs\ndata floor[obs] : bool, y[obs]\ny[obs] ~ Normal(floor(2.5) + floor[obs], 1)") == []


def test_an_index_may_have_its_dims_name() -> None:
    text = "dim time ordered\ndata y[time]\ny[time] ~ Normal(y[time-1], 1) for time in time[1:]"
    assert term(graph(text), "y[time]").axes == (Axis("time", "time", 1),)


def test_titles_and_names() -> None:
    model = checked("model tiny\nx ~ Normal(0, 1)").graph
    assert (model.title, "x" in model, "y" in model) == ("tiny", True, False)
