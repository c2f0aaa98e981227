"""What is said of draws: findings in words with remedies, on made-up records and on densities known to be hard."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import ppl
from ppl.inference.contract import Remark, Remedy
from ppl.results.container import Groups, from_arviz
from ppl.results.diagnosis import Diagnosis, diagnose
from ppl.results.judge import judge
from ppl.results.summary import summarise, table
from ppl.results.wording import on_command_line
from ppl.running.record import remark_attrs

CENTRED = """
dim school
data y[school], sigma[school] > 0
mu            ~ Normal(0, 5)
tau           ~ HalfCauchy(5)
theta[school] ~ Normal(mu, tau)   # centred
y[school]     ~ Normal(theta[school], sigma[school])
"""
SCHOOLS = {"y": [28, 8, -3, 7, -1, 1, 18, 12], "sigma": [15, 10, 16, 11, 9, 11, 10, 18]}


def made_up(chains: int = 4, draws: int = 500, **changes: np.ndarray) -> Groups:
    """Independent draws and blameless records, with changes."""
    generator = np.random.default_rng(0)
    shape = (chains, draws)
    stats = {
        "diverging": np.zeros(shape, bool),
        "energy": generator.normal(size=shape),
        "acceptance_rate": np.full(shape, 0.8),
        "tree_depth": np.full(shape, 3),
        "lp": generator.normal(size=shape),
    }
    posterior = {"mu": generator.normal(size=shape), "tau": generator.exponential(size=shape)}
    for name, value in changes.items():
        (stats if name in stats else posterior)[name] = value

    def dataset(values: dict[str, np.ndarray]) -> xr.Dataset:
        return xr.Dataset({k: (("chain", "draw"), v) for k, v in values.items()})

    return {"posterior": dataset(posterior), "sample_stats": dataset(stats)}


def judged(groups: Groups, **attrs: object) -> Diagnosis:
    return diagnose(groups, summarise(groups["posterior"]), None, {"settings": {"max_depth": 10}, **attrs})


def only(diagnosis: Diagnosis) -> str:
    assert len(diagnosis.findings) == 1, diagnosis.text()
    return diagnosis.findings[0].name


def test_an_engine_has_its_say() -> None:
    remedies = (Remedy("try another family: {}", {"family": "flow"}),)
    remarks = (
        Remark("pareto_k", "bad", "The approximation misses the tails.", ("k is 0.9",), remedies, {"k": 0.9}),
        Remark("rounds", "good", "Every replica went up and down."),
    )
    attrs = remark_attrs(remarks)
    diagnosis = judged(made_up(), draws_are="independent", **attrs)
    assert not diagnosis.trusted
    assert "    = try another family: family='flow'" in diagnosis.text()
    assert "Every replica went up and down." in diagnosis.good
    assert diagnosis.to_json()["findings"][0]["values"] == {"k": 0.9}
    assert any("4 independent fits agree" in word for word in diagnosis.good)
    assert "not to be trusted" not in judged(made_up(), remarks="[1, null]").text()


def test_a_mode_is_called_a_mode() -> None:
    assert judged(made_up(draws=1), draws_are="a mode").text().startswith("The mode looks fine.")


def test_fits_that_disagree_are_not_trusted() -> None:
    mu = np.arange(4.0)[:, None] + np.random.default_rng(1).normal(size=(4, 500))
    assert only(judged(made_up(mu=mu), draws_are="independent")) == "disagreement"
    assert judged(made_up(draws=50), draws_are="independent").trusted


def test_good_draws_are_called_fine() -> None:
    diagnosis = judged(made_up())
    assert diagnosis.trusted
    assert diagnosis.text().startswith("The draws look fine.")
    assert not diagnosis.findings


def test_chains_that_disagree() -> None:
    draws = np.random.default_rng(1).normal(size=(4, 500))
    draws[0] += 1.0
    diagnosis = judged(made_up(mu=draws))
    assert not diagnosis.trusted
    assert [f.name for f in diagnosis.findings] == ["r_hat", "ess"]
    assert "mu" in diagnosis.findings[0].details[0]


def test_a_short_run_is_told_to_run_longer_whatever_its_statistics() -> None:
    draws = np.random.default_rng(1).normal(size=(4, 10))
    draws[0] += 5.0
    short, long = judged(made_up(draws=10, mu=draws)), judged(made_up(draws=500, mu=np.tile(draws, 50)))
    for diagnosis, expected in ((short, True), (long, False)):
        assert not diagnosis.trusted
        remedies = {f.name: f.remedies for f in diagnosis.findings if f.name in ("r_hat", "ess")}
        assert set(remedies) == {"r_hat", "ess"}
        assert all(("draws=1000" in " ".join(said)) == expected for said in remedies.values())


def test_few_effective_draws() -> None:
    steps = np.random.default_rng(2).normal(size=(4, 4000))
    for t in range(1, 4000):
        steps[:, t] += 0.97 * steps[:, t - 1]
    diagnosis = judged(made_up(draws=4000, mu=steps))
    assert "ess" in {f.name for f in diagnosis.findings}
    assert not diagnosis.trusted
    assert "draws=" in diagnosis.text()


def test_divergences_say_where() -> None:
    groups = made_up()
    tau = groups["posterior"]["tau"].values
    groups["sample_stats"]["diverging"].values[tau < 0.02] = True
    small = tau[tau < 0.02]
    mu = groups["posterior"]["mu"].values[tau < 0.02]
    groups["divergent_points"] = xr.Dataset({"tau": ("divergence", small), "mu": ("divergence", mu)})
    diagnosis = judged(groups)
    assert only(diagnosis) == "divergences"
    assert not diagnosis.trusted
    assert "they gather at small tau" in diagnosis.text()
    assert "target_acceptance=0.9" in diagnosis.text()


def test_one_divergence_is_enough() -> None:
    groups = made_up()
    groups["sample_stats"]["diverging"].values[0, 0] = True
    assert not judged(groups).trusted


def test_energy_that_moves_slowly() -> None:
    walk = np.cumsum(np.random.default_rng(3).normal(size=(4, 500)), axis=1)
    assert only(judged(made_up(energy=walk))) == "ebfmi"


def test_saturated_trees_are_slow_not_wrong() -> None:
    depth = np.full((4, 500), 3)
    depth[0, :10] = 10
    diagnosis = judged(made_up(tree_depth=depth))
    assert only(diagnosis) == "tree depth"
    assert diagnosis.trusted
    assert "max_depth=12" in diagnosis.text()


def test_a_stuck_chain() -> None:
    groups = made_up()
    groups["sample_stats"]["lp"].values[2] = 1.0
    diagnosis = judged(groups)
    assert only(diagnosis) == "stuck"
    assert diagnosis.findings[0].values["chains"] == [2]


def test_one_chain_and_parts_of_runs_are_told() -> None:
    assert only(judged(made_up(chains=1))) == "one chain"
    diagnosis = judged(made_up(), stopped="interrupted")
    assert only(diagnosis) == "stopped"
    assert diagnosis.trusted


def test_words_survive_json() -> None:
    said = judged(made_up(chains=1)).to_json()
    assert said["trusted"] is True
    assert said["findings"][0]["remedies"] == ["run four: chains=4"]


@pytest.mark.parametrize(("chains", "draws"), [(4, 1), (4, 3), (1, 3)])
def test_too_few_draws_are_not_called_fine(chains: int, draws: int) -> None:
    diagnosis = judged(made_up(chains=chains, draws=draws))
    assert not diagnosis.trusted
    assert "nothing can be judged" in diagnosis.text()


def test_draws_that_are_no_numbers_are_not_called_fine() -> None:
    diagnosis = judged(made_up(mu=np.full((4, 500), np.inf)))
    assert only(diagnosis) == "unjudged"
    assert not diagnosis.trusted
    assert judged(made_up(mu=np.ones((4, 500)))).trusted  # a constant is fine


def test_quantities_that_differ_between_chains_alone_are_stuck() -> None:
    stuck = np.repeat([[0.0], [1.0], [1.0], [0.3]], 500, axis=1)
    groups = made_up(k=stuck, still=np.ones((4, 500)))
    diagnosis = judged(groups)
    assert [f.name for f in diagnosis.findings] == ["apart", "ess"]
    assert not diagnosis.trusted
    text = diagnosis.text()
    assert "1 of 4 quantities never change within a chain" in text
    assert "such as k; their R-hat" in text
    assert "R-hat is at most" not in text
    assert table(summarise(groups["posterior"])).split("\n")[3].split()[-1] == "-"
    moving = stuck.copy()
    moving[0, ::2] = 1.0  # one chain that moves, and R-hat says how far the others are from it
    assert judged(made_up(k=moving)).findings[0].name == "r_hat"


def test_settings_in_the_reader_s_words() -> None:
    steps = np.cumsum(np.random.default_rng(2).normal(size=(4, 500)), axis=1)
    groups = made_up(mu=steps, tree_depth=np.full((4, 500), 10))
    python = judged(groups).text()
    assert "max_depth=12" in python
    assert "--" not in python
    summary = summarise(groups["posterior"])
    shell = diagnose(groups, summary, None, {"settings": {"max_depth": 10}}, on_command_line).text()
    assert "--max-depth 12" in shell
    assert "max_depth" not in shell
    assert shell.count("--draws") <= 1


@pytest.mark.parametrize(
    ("form", "said"),
    [("centred", "sample x with its location and scale taken out: noncentre='x'"), ("non-centred", "centre='x'")],
)
def test_the_other_coordinates_are_a_remedy(form: str, said: str) -> None:
    text = "dim t\nm ~ Normal(0, 1)\ns ~ HalfNormal(1)\nx[t] ~ Normal(m, s)\n"
    groups = made_up()
    groups["sample_stats"]["diverging"].values[0, 0] = True
    graph, summary = ppl.compile(text).graph, summarise(groups["posterior"])
    found = diagnose(groups, summary, graph, {"centring": {"x": form}})
    assert said in found.text()
    assert "line 4: x[t] ~ Normal(m, s)" in found.text()
    shell = diagnose(groups, summary, graph, {"centring": {"x": "centred"}}, on_command_line).text()
    assert "--noncentre x" in shell
    walk = "dim t ordered\ns ~ HalfNormal(1)\nx[0] ~ Normal(0, s)\nx[i] ~ Normal(x[i-1], s) for i in t[1:]\n"
    assert diagnose(groups, summary, ppl.compile(walk).graph, {"centring": {"x": form}}).text().count(said) == 1
    for attrs in ({"centring": {"x": "between"}}, {}):
        assert "centre" not in diagnose(groups, summary, graph, attrs).text()


def test_a_large_array_does_not_crowd_out_the_others() -> None:
    groups = made_up(draws=100)
    steps = np.cumsum(np.random.default_rng(2).normal(size=(4, 100, 50)), axis=1)
    groups["posterior"]["K"] = (("chain", "draw", "element"), steps)
    groups["posterior"]["tau"] = (("chain", "draw"), np.cumsum(steps[..., 0], axis=1))
    listed = judged(groups).findings[0].details[0]
    assert listed.count("K[") == 1
    assert "tau" in listed


# --- densities that are hard -------------------------------------------------------------------------


def test_centred_eight_schools_are_not_called_fine() -> None:
    """Betancourt & Girolami 2015: the funnel at small tau cannot be entered."""
    groups, attrs = from_arviz(ppl.compile(CENTRED, "schools.ppl").sample(SCHOOLS, seed=1, centre="theta"))
    _, diagnosis = judge(groups, attrs)
    assert int(groups["sample_stats"]["diverging"].sum()) > 0
    assert groups["divergences"].sizes["divergence"] == int(groups["sample_stats"]["diverging"].sum())
    assert not diagnosis.trusted
    text = diagnosis.text()
    assert "they gather at small tau" in text
    assert "line 6: theta[school] ~ Normal(mu, tau)\n" in text
    assert "noncentre='theta'" in text


@pytest.mark.long
def test_the_funnel_is_not_called_fine() -> None:
    """Neal 2003, section 8."""
    model = ppl.compile("dim k = 9\nv ~ Normal(0, 3)\nx[k] ~ Normal(0, exp(v / 2))\n")
    diagnoses = [ppl.diagnose(model.sample(draws=2000, seed=seed, centre="x")) for seed in (1, 2)]
    assert not any(diagnosis.trusted for diagnosis in diagnoses)
    diverged = [d for d in diagnoses if "divergences" in {f.name for f in d.findings}]
    assert diverged
    assert all("noncentre='x'" in d.text() for d in diverged)
    assert ppl.diagnose(model.sample(seed=1)).trusted


# --- the table ---------------------------------------------------------------------------------------


def test_table() -> None:
    generator = np.random.default_rng(5)
    posterior = xr.Dataset(
        {
            "mu": (("chain", "draw"), generator.normal(1234.5, 0.01, size=(2, 100))),
            "theta": (("chain", "draw", "school"), generator.normal(size=(2, 100, 2))),
            "wide": (("chain", "draw", "obs"), generator.normal(size=(2, 100, 20))),
            "still": (("chain", "draw"), np.ones((2, 100))),
        },
        {"school": ["Choate", "Deerfield"]},
    )
    text = table(summarise(posterior))
    lines = text.split("\n")
    assert lines[0].split() == ["mean", "sd", "q5", "q50", "q95", "ess_bulk", "ess_tail", "r_hat"]
    assert lines[2].startswith("theta[Choate] ")
    assert "  ... 14 more of wide" in lines
    assert lines[-1].split() == ["still", "1.00", "0.00", "1.00", "1.00", "1.00", "-", "-", "-"]
    assert "wide[19]" in table(summarise(posterior), None)


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1.0, 1e3, 1e9])
def test_table_shows_two_digits_of_the_deviation(scale: float) -> None:
    draws = scale * np.random.default_rng(6).normal(size=(2, 1000))
    text = table(summarise(xr.Dataset({"x": (("chain", "draw"), draws)})))
    sd = float(text.split("\n")[1].split()[2])
    np.testing.assert_allclose(sd, draws.std(ddof=1), rtol=0.06)
