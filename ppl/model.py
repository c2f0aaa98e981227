"""A model in Python: text in, ArviZ containers out.

model = ppl.compile(text)             # or ppl.load("model.ppl")
fit = model.sample(data, chains=4, seed=1)
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppl.compiler.check import check
from ppl.data.files import read_model
from ppl.errors import Diagnostic, Exit, PplError, render
from ppl.grammar.parser import parse
from ppl.graph import ModelGraph
from ppl.source import Source

if TYPE_CHECKING:  # these import NumPy or JAX, which reading and checking a model must not need
    import numpy as np
    import numpy.typing as npt

    from ppl.compiler.binding.bind import Bound
    from ppl.compiler.density.compiled import CompiledDensity
    from ppl.dataset import Dataset
    from ppl.prediction.inputs import Inputs


class ModelWarning(UserWarning):
    """Something about a model or its data that deserves a look."""


def compile(text: str, name: str = "<model>") -> Model:
    """Parses and checks a model's text. `name` is what messages call it.

    Raises:
        PplError: with every error of the text.
        TypeError: `text` is no string.
    """
    if not isinstance(text, str):
        raise TypeError(f"the text of a model is a string, not `{type(text).__name__}`; `ppl.load(path)` reads a file")
    checked = check(parse(Source(name, text)))
    return Model(checked.graph, tuple(checked.warnings))


def load(path: str | PathLike[str]) -> Model:
    """`compile` for a file.

    Raises:
        PplError: there is no such file, it is no text of a model, or it has errors.
        TypeError: `path` is no path.
    """
    if not isinstance(path, str | PathLike):
        raise TypeError(f"the path of a model is a string or a `Path`, not `{type(path).__name__}`")
    if isinstance(path, str) and "\n" in path:
        hint = "a model's text goes to `ppl.compile(text)`"
        raise PplError(
            [Diagnostic("E601", "no such model file: this is a text", hints=(hint,))], exit_code=Exit.NO_FILE
        )
    return compile(read_model(Path(path)), str(path))


@dataclass(frozen=True)
class Model:
    """A checked model. `warnings`: what the checker noticed."""

    graph: ModelGraph
    warnings: tuple[Diagnostic, ...] = ()
    _clamped: dict[tuple[str, ...], ModelGraph] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.graph, ModelGraph):
            raise TypeError("a model is made by `ppl.compile(text)` or `ppl.load(path)`")

    def __repr__(self) -> str:
        quantities = ", ".join(latent.name for latent in self.graph.latents)
        return f"<ppl.Model {self.name!r}: latents {quantities or 'none'}>"

    @property
    def text(self) -> str:
        """As it was given to `compile`."""
        return self.graph.source.text

    @cached_property
    def name(self) -> str:
        """The title in the text, or the name of the file without its ending."""
        return self.graph.title or Path(self.graph.source.name).stem.strip("<>")

    def bind(self, data: Any = None, *, set: Mapping[str, Any] | None = None) -> Bound:
        """Checks data against the model; what is clamped becomes data too.

        data: a path, a mapping of names to values, a DataFrame, an xarray Dataset, or a list of these; set: values of
        latents, as `observe` gives them in the text: `{"c": 1, "s[3]": -1, "colour": "red"}`, or whole arrays.

        Raises:
            PplError: with every error of the data, then of what is clamped.
        """
        from ppl.compiler.binding.bind import bind_with_notes
        from ppl.compiler.binding.clamps import clamp
        from ppl.data import load as load_data
        from ppl.data.categories import with_listed_categories

        bound = bind_with_notes(self.graph, with_listed_categories(self.graph, load_data(data)))
        clamped = clamp(bound.graph, bound.dataset, set or {})
        if clamped.done:  # one graph for each way to clamp, for programs are compiled for a graph
            graph = self._clamped.setdefault(clamped.done, clamped.graph)
            bound = replace(bound, graph=graph, dataset=clamped.dataset)
        return bound

    def bind_forward(
        self, data: Any = None, sizes: Mapping[str, int] | None = None, *, set: Mapping[str, Any] | None = None
    ) -> Inputs:
        """Checks data for `prior` against the model: as `bind`, but outcomes may be absent.

        sizes: of dims that no data run over; set: as of `bind`.

        Raises:
            PplError: with every error of the data, then of what is set.
        """
        from ppl.data import load as load_data
        from ppl.prediction.inputs import bind_inputs

        return bind_inputs(self.graph, load_data(data), sizes or {}, set or {})

    def check(
        self, data: Any = None, *, engine: str | None = None, set: Mapping[str, Any] | None = None
    ) -> tuple[Diagnostic, ...]:
        """Warnings about the model and these data, as `bind` takes them.

        engine: one that must be able to sample the model; set: as of `bind`.

        Raises:
            PplError: with the errors of the data, of parameters that they put out of their domains, or of the engine.
        """
        from ppl.compiler.passes.memory import memory_explained
        from ppl.running.beforehand import check_discrete, check_domains, check_engine

        bound = self.bind(data, set=set)
        with memory_explained(bound.graph, bound.dataset.sizes):
            check_domains(bound.graph, bound.dataset)
            check_discrete(bound.graph, bound.dataset, engine)
            if engine is not None:
                check_engine(bound.graph, engine, bound.dataset)
        return (*self.warnings, *bound.warnings)

    def explain(self, data: Any = None, *, set: Mapping[str, Any] | None = None) -> str:
        """How the compiler reads the model: roles, supports, plates, event axes and terms with their lines.

        data, set: as `bind` takes them, for the sizes of the dims and what is clamped; None leaves these open.

        Raises:
            PplError: with every error of the data.
        """
        from ppl.compiler.explain import explain
        from ppl.compiler.passes.memory import memory_explained

        graph, dataset = self.read_with(data, set=set)
        with memory_explained(graph, {} if dataset is None else dataset.sizes):
            return explain(graph, dataset)

    def read_with(self, data: Any = None, *, set: Mapping[str, Any] | None = None) -> tuple[ModelGraph, Dataset | None]:
        """What `explain` tells of: the graph with what is clamped, and the data bound to it; None: there are none, for
        a model that declares some or takes its sizes from them, or nothing asks for them."""
        unsized = any(dim.size is None and dim.labels is None for dim in self.graph.dims.values())
        if data is None and (not set or self.graph.inputs or unsized):
            if not set:
                return self.graph, None
            from ppl.compiler.binding.clamps import clamp_without_data

            return clamp_without_data(self.graph, set), None
        bound = self.bind(data, set=set)
        return bound.graph, bound.dataset

    def log_density(
        self,
        data: Any = None,
        *,
        set: Mapping[str, Any] | None = None,
        centre: str | Iterable[str] = (),
        noncentre: str | Iterable[str] = (),
    ) -> CompiledDensity:
        """The log density on the unconstrained space, for samplers of one's own. It is in float64: use it under
        `jax.enable_x64(True)`. data, set: as of `bind`; centre, noncentre: as of `sample`.

        Raises:
            PplError: with every error of the data, or with parameters that they put out of their domains.
        """
        from ppl.compiler.density.compiled import compile_density
        from ppl.compiler.passes.centring import Request
        from ppl.compiler.passes.memory import memory_explained

        bound = self.bind(data, set=set)
        with memory_explained(bound.graph, bound.dataset.sizes):
            return compile_density(bound.graph, bound.dataset, Request(_names(centre), _names(noncentre)))

    def unconstrain(
        self, values: Mapping[str, Any], data: Any = None, *, set: Mapping[str, Any] | None = None
    ) -> npt.NDArray[np.float64]:
        """(n,): the point of the unconstrained space where the latents have these values.

        values: one for each latent, of its declared shape; other names are ignored.

        Raises:
            ValueError: a latent has no value, or one of the wrong shape.
            PplError: values outside the supports of their latents; errors as of `log_density`.
        """
        from ppl.running.unconstrained import unconstrained

        return unconstrained(self.log_density(data, set=set), values)

    def netlist(self, data: Any = None, *, set: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Coupled stochastic units with the law of the model given its data, as `ppl compile` writes them: a `Netlist`
        of p-bits and pdits if all that is to be found is discrete, else `Modes`.

        data, set: as of `bind`; options of p-bits: `kl=1e-3` (nats, of which word lengths are made),
        `encoding="domain-wall"`, `fabric="pairwise"`, `reduction="rosenberg"`, `degree=4`; of modes:
        `dynamics="underdamped"`, `friction=1.0`, and of a regulator `period=0.1`, `latency=0.05`, `driven="all"`.

        Raises:
            PplError: with every error of the data, or what units cannot stand for.
        """
        from ppl.circuits.compiling import Compiled
        from ppl.circuits.lowering import lower

        bound = self.bind(data, set=set)
        found = lower(bound.graph, bound.dataset, self.name, options)
        return found.netlist if isinstance(found, Compiled) else found

    def sample(
        self,
        data: Any = None,
        *,
        engine: str = "nuts",
        chains: int = 4,
        seed: int = 1,
        time_limit: float | None = None,
        log_likelihood: bool = True,
        predictive: bool = True,
        save_warmup: bool = False,
        save_unconstrained: bool = False,
        progress: bool | None = None,
        set: Mapping[str, Any] | None = None,
        centre: str | Iterable[str] = (),
        noncentre: str | Iterable[str] = (),
        until: Mapping[str, float] | str | None = None,
        initial: str = "random",
        devices: str | None = None,
        checkpoint: str | PathLike[str] | None = None,
        resume: bool = False,
        **settings: Any,
    ) -> Any:
        """Draws from the posterior, as `arviz.InferenceData` (ArviZ 0.x) or `xarray.DataTree` (1.x).

        engine: `nuts` or `hmc`; settings: that engine's (`warmup=1000`, `draws=1000`, `target_acceptance=0.8`, ...);
        time_limit: seconds after which the draws so far are returned, marked `partial`; log_likelihood, predictive:
        False leaves out groups that are as large as the data times the draws; progress: None shows it in a terminal;
        set: values of latents that are clamped, as of `bind`; centre, noncentre: latents to sample as they are, or with
        their location and scale taken out, where the compiler's choice is not wanted (see `explain`); values and names
        are the same. until: `{"ess": 400, "rhat": 1.01}` ends the run before all `draws` are made once every quantity
        is that good; initial: `pathfinder` starts Markov chains where that engine finds the mass, not at random;
        devices: what chains run on: `cpu`, `cpu:2` (threads), `gpu`, `gpu:2`; None: GPUs if there are, else all cores;
        checkpoint: a folder that the run keeps itself in from its first minute on, and takes away at its end; resume:
        go on from there, if there is one, with the same arguments.
        `ppl.diagnose(fit)` says whether to trust the draws.

        Raises:
            PplError: an error of the data, an unknown engine or setting, no starting point of finite density, a
                checkpoint of another run.
        """
        from ppl.results.container import to_arviz
        from ppl.running.checkpoint import Checkpoint
        from ppl.running.driver import run
        from ppl.running.engines import make_engine
        from ppl.running.options import RunOptions
        from ppl.running.progress import make_progress
        from ppl.running.until import make_until

        options = RunOptions(
            chains,
            seed,
            time_limit,
            log_likelihood,
            predictive,
            save_warmup,
            save_unconstrained,
            centre=_names(centre),
            noncentre=_names(noncentre),
            until=make_until(until),
            clamped=set,
            initial=initial,
            devices=devices,
        )
        chosen = make_engine(engine, settings)
        if resume and checkpoint is None:
            hint = "give the folder to go on from: checkpoint=FOLDER"
            raise PplError([Diagnostic("E608", "`resume` needs a `checkpoint`", hints=(hint,))], exit_code=Exit.USAGE)
        bound = self.bind(data, set=set)
        for warning in (*self.warnings, *bound.warnings):
            warnings.warn(render([warning], self.graph.source), ModelWarning, stacklevel=2)
        with nullcontext() if checkpoint is None else Checkpoint(Path(checkpoint), resume=resume) as kept:
            fit = run(bound.graph, bound.dataset, chosen, options, make_progress(progress), checkpoint=kept)
            if fit.stopped:
                more = f"; `resume=True` goes on from {kept.folder}" if kept is not None and kept.saved else ""
                warnings.warn(f"the run was stopped early: {fit.stopped}{more}", ModelWarning, stacklevel=2)
            elif kept is not None:
                kept.remove()
        return to_arviz(fit.groups, fit.attrs)

    def prior(
        self,
        data: Any = None,
        *,
        draws: int = 1000,
        seed: int = 1,
        sizes: Mapping[str, int] | None = None,
        set: Mapping[str, Any] | None = None,
        progress: bool | None = None,
    ) -> Any:
        """Draws from the prior, and of the data that the model expects, as `sample` returns them: groups `prior` and
        `prior_predictive`.

        data: covariates; outcomes need no values, and those that the model draws are ignored. sizes: of dims that no
        data run over, `{"obs": 100}`; set: values of latents that are clamped, as of `bind`.

        Raises:
            PplError: an error of the data; a quantity that has no distribution to draw from.
        """
        from ppl.prediction.prior import draw_prior
        from ppl.results.container import to_arviz
        from ppl.running.options import checked_draws
        from ppl.running.progress import make_progress
        from ppl.running.record import clamped_attrs

        checked_draws(draws, seed)
        inputs = self.bind_forward(data, sizes, set=set)
        for warning in (*self.warnings, *inputs.warnings):
            warnings.warn(render([warning], self.graph.source), ModelWarning, stacklevel=2)
        drawn = draw_prior(self.graph, inputs, draws, seed, make_progress(progress))
        return to_arviz(drawn.groups, {**drawn.attrs, **clamped_attrs(set)})

    def predict(
        self,
        fit: Any,
        data: Any = None,
        *,
        seed: int = 1,
        sizes: Mapping[str, int] | None = None,
        set: Mapping[str, Any] | None = None,
        progress: bool | None = None,
    ) -> Any:
        """Predictions for new data from what `sample` returned, in the same kind of container: group `predictions`.

        data: the new covariates; outcomes need no values. Elements of the fit keep their draws, told by their labels;
        new members of a group are drawn from their distribution, given the hyperparameters of the same draw. sizes: of
        dims that no data run over, `{"time": 120}`; set: values that latents have in place of their draws, as of
        `bind`, while all others keep theirs.

        Raises:
            PplError: an error of the data; a fit of another model; draws that cannot be carried over to the new data.
            TypeError: `fit` is no container with draws.
        """
        from ppl.data import load as load_data
        from ppl.prediction.fitted import read_fit
        from ppl.prediction.predict import draw_predictions
        from ppl.results.container import from_arviz, to_arviz
        from ppl.running.options import checked_draws
        from ppl.running.progress import make_progress

        checked_draws(1, seed)
        fitted = read_fit(self.graph, *from_arviz(fit))
        found = draw_predictions(self.graph, fitted, load_data(data), sizes or {}, seed, make_progress(progress), set)
        for warning in found.warnings:
            warnings.warn(render([warning], self.graph.source), ModelWarning, stacklevel=2)
        return to_arviz(found.groups, found.attrs)


def _names(given: str | Iterable[str]) -> tuple[str, ...]:
    """One name or several."""
    return (given,) if isinstance(given, str) else tuple(given)


__all__ = ["Model", "ModelWarning", "PplError", "compile", "load"]
