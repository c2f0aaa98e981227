"""Files of results: whole or not at all, never over another without leave, and readable by ArviZ."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import arviz as az
import numpy as np
import pytest
import xarray as xr

import ppl
from ppl.errors import Exit, PplError
from ppl.results import storage
from ppl.results.container import Groups, Layout, from_arviz, to_arviz
from ppl.results.judge import judge


@pytest.fixture
def groups() -> Groups:
    layout = Layout({"school": np.array(["Choate", "Deerfield"]), "obs": np.arange(3), "draw": np.arange(2)})
    generator = np.random.default_rng(0)
    posterior = {
        "mu": generator.normal(size=(4, 10)),
        "theta": generator.normal(size=(4, 10, 2)),
        "K": generator.normal(size=(4, 10, 3, 3)),
        "odd": generator.normal(size=(4, 10, 2)),
    }
    dims = {"mu": (), "theta": ("school",), "K": ("obs", "obs"), "odd": ("draw",)}
    stats = {"diverging": np.zeros((4, 10), bool), "lp": generator.normal(size=(4, 10))}
    return {
        "posterior": layout.dataset(posterior, dims),
        "sample_stats": layout.dataset(stats, {"diverging": (), "lp": ()}),
        "observed_data": layout.dataset({"y": np.array([1.0, 2.0])}, {"y": ("school",)}, leading=()),
        "constant_data": layout.dataset({"n": np.array(3)}, {"n": ()}, leading=()),
    }


def test_dims_and_labels(groups: Groups) -> None:
    posterior = groups["posterior"]
    assert posterior["theta"].dims == ("chain", "draw", "school")
    assert posterior["theta"].school.values.tolist() == ["Choate", "Deerfield"]
    assert posterior["K"].dims == ("chain", "draw", "obs", "obs_2")
    # A dim of the model may be called like one of ArviZ's.
    assert posterior["odd"].dims == ("chain", "draw", "draw_")


NAMES = """
dim draw
dim chain
dim o_2
data chain_[chain], y[o_2], K[draw, draw, chain]
dim o
data L[o, o]
unconstrained ~ Normal(0, 1)
divergence[draw] ~ Normal(0, 1)
y[o_2] ~ Normal(unconstrained, 1)
predict o_3[o] ~ Normal(unconstrained, 1)
"""


@pytest.mark.filterwarnings("ignore::ppl.ModelWarning")
def test_names_never_clash(tmp_path: Path) -> None:
    """Names of a model that ArviZ or another dim uses get `_`s, in every group alike; nothing is lost after the run."""
    model = ppl.compile(NAMES)
    data = {"chain_": [1.0, 2.0, 3.0], "y": [1.0, 2.0], "K": np.zeros((2, 2, 3)), "L": np.zeros((4, 4))}
    groups, attrs = from_arviz(model.sample(data, chains=2, warmup=50, draws=20, seed=1))
    posterior, constant = groups["posterior"], groups["constant_data"]
    assert dict(posterior.sizes) == {"chain": 2, "draw": 20, "draw_": 2}
    assert posterior["divergence_"].dims == ("chain", "draw", "draw_")
    assert posterior["unconstrained_"].dims == ("chain", "draw")
    assert constant["K"].dims == ("draw_", "draw_2", "chain__")
    assert constant["chain_"].dims == ("chain__",)
    assert constant["L"].dims == ("o", "o_4")
    assert groups["predictions"]["o_3"].dims == ("chain", "draw", "o")
    storage.write(groups, attrs, tmp_path / "fit.nc")
    assert set(storage.read(tmp_path / "fit.nc")[0]) == set(groups)


@pytest.mark.parametrize("name", ["draw", "chain"])
def test_a_quantity_may_be_called_like_a_dim_of_arviz(name: str) -> None:
    model = ppl.compile(f"dim o\ndata {name}[o]\nmu ~ Normal(0, 1)\n{name}[o] ~ Normal(mu, 1)\n")
    groups, _ = from_arviz(model.sample({name: [1.0, 2.0]}, chains=2, warmup=50, draws=20))
    for group in ("observed_data", "log_likelihood", "posterior_predictive"):
        assert list(groups[group].data_vars) == [f"{name}_"]


def test_round_trip(groups: Groups, tmp_path: Path) -> None:
    path = tmp_path / "fit.nc"
    storage.write(groups, {"model": "μ ~ Normal(0, 1)", "seed": 1}, path)
    again, attrs = storage.read(path)
    assert attrs["model"] == "μ ~ Normal(0, 1)"
    assert attrs["seed"] == 1
    assert set(again) == set(groups)
    for name, group in groups.items():
        xr.testing.assert_identical(again[name], group)
        for variable in group.variables:
            assert again[name][variable].dtype.kind == group[variable].dtype.kind
    assert os.listdir(tmp_path) == ["fit.nc"]


def test_arviz_reads_the_file_and_takes_the_container(groups: Groups, tmp_path: Path) -> None:
    path = tmp_path / "fit.nc"
    storage.write(groups, {"seed": 1}, path)
    read = az.from_netcdf(path)
    container = to_arviz(groups, {"seed": 1})
    assert type(read) is type(container)
    for fit in (read, container):
        assert fit.posterior["theta"].sizes["school"] == 2
        assert int(fit.attrs["seed"]) == 1
    back, attrs = from_arviz(container)
    assert attrs == {"seed": 1}
    for name, group in groups.items():
        xr.testing.assert_identical(back[name], group)
    summary = az.summary(container, var_names=["mu", "theta"])
    assert list(summary.index) == ["mu", "theta[Choate]", "theta[Deerfield]"]


FULL_DISK = """
import resource, sys, tempfile
from pathlib import Path
import numpy as np
from ppl.errors import PplError
from ppl.results import storage
from ppl.results.container import Layout

folder, freed = Path(sys.argv[1]), sys.argv[2] == "freed"
made = tempfile.mkdtemp


def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def mkdtemp(*arguments, **named):
    if freed:
        limit(resource.RLIM_INFINITY)
    return made(*arguments, **named)


tempfile.mkdtemp = mkdtemp
values = np.random.default_rng(0).normal(size=(4, 1000))
groups = {"posterior": Layout({}).dataset({"mu": values}, {"mu": ()})}
storage.netcdf(groups, {})
limit(20_000)
try:
    print(*storage.write_safely(groups, {}, folder / "fit.nc", force=True), sep="\\n")
except PplError as error:
    print(error)
"""


@pytest.mark.parametrize("freed", [False, True])
def test_a_full_disk_crashes_nothing(tmp_path: Path, freed: bool) -> None:
    """A limit on the size of files fails writes as a full disk does, in the middle; then there is room elsewhere."""
    for name in ("out", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "out" / "fit.nc").write_text("old")
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, tmp_path / "out", "freed" if freed else "full"],
        env={**os.environ, "TMPDIR": str(tmp_path / "other"), "HOME": str(tmp_path / "other")},
        cwd=tmp_path / "other", capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert os.listdir(tmp_path / "out") == ["fit.nc"]
    assert (tmp_path / "out" / "fit.nc").read_text() == "old"
    if not freed:
        assert "E605" in done.stdout
        assert os.listdir(tmp_path / "other") == []
        return
    place, problem = done.stdout.splitlines()
    assert problem == "File too large"
    assert storage.read(Path(place))[0]["posterior"].sizes["draw"] == 1000


def test_results_have_the_permissions_of_any_new_file(groups: Groups, tmp_path: Path) -> None:
    (tmp_path / "any").touch()
    storage.write(groups, {}, tmp_path / "fit.nc")
    assert (tmp_path / "fit.nc").stat().st_mode == (tmp_path / "any").stat().st_mode


def test_a_file_that_came_during_the_run_is_kept(groups: Groups, tmp_path: Path) -> None:
    path = tmp_path / "fit.nc"
    path.write_text("another run's")
    for name in ("fit-2.nc", "fit-3.nc"):
        place, problem = storage.write_safely(groups, {}, path)
        assert place == tmp_path / name
        assert problem == "another file came there during the run"
        assert "posterior" in storage.read(place)[0]
    assert path.read_text() == "another run's"
    assert storage.write_safely(groups, {}, path, force=True) == (path, None)
    assert sorted(os.listdir(tmp_path)) == ["fit-2.nc", "fit-3.nc", "fit.nc"]


def test_text_that_hdf5_cannot_store_costs_no_draw(tmp_path: Path) -> None:
    layout = Layout({"school": np.array(["\0z", "\ud800", "é"])})
    groups = {"posterior": layout.dataset({"theta": np.zeros((2, 3, 3))}, {"theta": ("school",)})}
    place, problem = storage.write_safely(groups, {"model": "# \0", "model_name": "m\udcff.ppl"}, tmp_path / "fit.nc")
    assert problem is None
    again, attrs = storage.read(place)
    assert again["posterior"].school.values.tolist() == ["\\x00z", "\\ud800", "é"]
    assert attrs == {"model": "# \\x00", "model_name": "m\\udcff.ppl"}


def test_draws_that_cannot_go_where_they_should_go_elsewhere(groups: Groups, tmp_path: Path) -> None:
    place, problem = storage.write_safely(groups, {}, tmp_path / "gone" / "fit.nc")
    assert problem is not None
    assert "No such file" in problem
    assert storage.read(place)[0]["posterior"].sizes["chain"] == 4
    place.unlink()
    place.parent.rmdir()


def test_an_existing_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "fit.nc"
    path.write_text("old")
    with pytest.raises(PplError, match=r"E604.*exists") as caught:
        storage.check_writable(path, force=False)
    assert caught.value.exit_code == Exit.USAGE
    storage.check_writable(path, force=True)
    assert path.read_text() == "old"


def test_unwritable_places_are_found_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (tmp_path, tmp_path / "no" / "such" / "fit.nc"):
        with pytest.raises(PplError, match="E605"):
            storage.check_writable(path, force=True)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refused)
    with pytest.raises(PplError, match=r"E605.*Permission denied"):
        storage.check_writable(tmp_path / "fit.nc", force=False)


@pytest.mark.parametrize("keep", [0, 4, 100, 5000, -1])
def test_a_truncated_file_is_no_file_of_results(groups: Groups, tmp_path: Path, keep: int) -> None:
    path = tmp_path / "fit.nc"
    storage.write(groups, {}, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(PplError, match="E606"):
        storage.read(path)


def test_other_files_are_no_files_of_results(tmp_path: Path) -> None:
    path = tmp_path / "fit.nc"
    path.write_text("mean,sd\n1,2\n")
    with pytest.raises(PplError, match=r"E606.*not a netCDF-4 file"):
        storage.read(path)
    xr.Dataset({"x": 1}).to_netcdf(path, engine="h5netcdf")
    with pytest.raises(PplError, match="no group `posterior`"):
        storage.read(path)
    with pytest.raises(PplError, match=r"E602"):
        storage.read(tmp_path)
    with pytest.raises(PplError, match=r"(?s)E601.*did you mean"):
        storage.read(tmp_path / "fits.nc")


def foreign(path: Path, attrs: dict[str, str] | None = None, **groups: xr.Dataset) -> None:
    path.write_bytes(storage.netcdf(groups, attrs or {}))


DRAWS = xr.DataArray(np.random.default_rng(1).normal(size=(50, 4)), dims=("draw", "chain"))


@pytest.mark.parametrize(
    ("posterior", "words"),
    [
        (xr.Dataset({"mu": DRAWS.isel(chain=0)}), "no numbers over `chain` and `draw`"),
        (xr.Dataset(), "no numbers over `chain` and `draw`"),
        (xr.Dataset({"mu": DRAWS.isel(draw=slice(0))}), "no draws"),
        (xr.Dataset({"mu": DRAWS.astype(str)}), "no numbers over `chain` and `draw`"),
    ],
)
def test_foreign_files_without_draws(tmp_path: Path, posterior: xr.Dataset, words: str) -> None:
    foreign(tmp_path / "fit.nc", posterior=posterior)
    with pytest.raises(PplError, match=f"E606.*{words}"):
        storage.read(tmp_path / "fit.nc")


def test_of_foreign_files_all_that_can_be_is_summarised(tmp_path: Path) -> None:
    foreign(
        tmp_path / "fit.nc",
        {"settings": "[1]", "timings": "{", "model": "no model"},
        posterior=xr.Dataset({"mu": DRAWS, "name": "text", "scale": 2.0, "texts": DRAWS.astype(str)}),
        sample_stats=xr.Dataset({"diverging": 0, "energy": DRAWS, "tree_depth": ("chain", np.ones(4))}),
    )
    groups, attrs = storage.read(tmp_path / "fit.nc")
    summary, diagnosis = judge(groups, attrs)
    assert summary.names == ("mu",)
    assert diagnosis.text()
