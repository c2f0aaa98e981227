"""A model and its data as a log-density on flat vectors."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from ppl.compiler.density.elimination import Elimination, plan_elimination
from ppl.compiler.density.evaluation import Evaluation, Slot, data_lowering, layout
from ppl.compiler.density.faults import Fault, elements, faults
from ppl.compiler.density.increasing import check_increasing
from ppl.compiler.density.minibatch import Sample, batch_dims, check_batch, check_setting, is_subsampled, subsampled
from ppl.compiler.density.missing import drawn_forward, missing_elements, sampled_among
from ppl.compiler.density.parameters import check_parameters
from ppl.compiler.density.predictive import likelihood_dims, log_likelihood, replicate
from ppl.compiler.density.scoring import score, total
from ppl.compiler.density.shuffled import Shuffled, shuffled
from ppl.compiler.density.solves import solve_faults, solve_terms
from ppl.compiler.density.summation import drawn, marginals, summed_out
from ppl.compiler.density.walking import Walk, plan_walk
from ppl.compiler.forward.completion import completed, predictions
from ppl.compiler.lowering.context import Context
from ppl.compiler.lowering.fold import Constants, Recorder
from ppl.compiler.lowering.lower import Lowering
from ppl.compiler.lowering.named import Array
from ppl.compiler.passes.centring import Request, choose
from ppl.compiler.passes.preparation import prepared
from ppl.compiler.passes.program import Program, make_program
from ppl.compiler.passes.relevant import relevant
from ppl.compiler.passes.summable import check_summable
from ppl.dataset import Dataset
from ppl.graph import Axis, Clamp, Energy, ModelGraph, Term


@dataclass(frozen=True, eq=False)
class Plan:
    """What is static in a density. Equal for data of equal shapes, so that JAX reuses what it compiled. whole: with
    the latents that nothing observed depends on, which `program` has not; walk: of discrete latents that stay in the
    density, elimination: of those that are summed out; None without any."""

    program: Program
    keys: tuple[Hashable, ...]
    axes: tuple[tuple[Axis, ...], ...]
    shapes: tuple[tuple[tuple[int, ...], str], ...]
    elimination: Elimination | None
    walk: Walk | None
    whole: Program

    @functools.cached_property
    def slots(self) -> tuple[Slot, ...]:
        """Where each latent lies in the flat vector."""
        return layout(self.program)

    @functools.cached_property
    def _hash(self) -> int:
        return hash((self.program, self.shapes))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Plan)
            and self._hash == other._hash
            and self.program == other.program
            and self.whole == other.whole
            and self.keys == other.keys
            and self.shapes == other.shapes
            and (self.elimination and self.elimination.key) == (other.elimination and other.elimination.key)
            and (self.walk and self.walk.key) == (other.walk and other.walk.key)
        )


@functools.partial(jax.tree_util.register_dataclass, data_fields=["leaves", "states"], meta_fields=["plan"])
@dataclass(frozen=True, eq=False)
class CompiledDensity:
    """`log p(latents, data) + log |Jacobian|` as a function of the flat unconstrained vector u, (n,) float64.

    A pytree: its leaves are the data and what follows from them alone, so that a function jitted over it serves every
    data set of the same shape. Everything is float64: trace and call it under `jax.enable_x64(True)`.

    Where discrete latents stay in the density (`compile_density(..., summed=False)`), it has `sites`, and what depends
    on their states is known of `given(states)` alone. states: (sites,) integers, or None.
    """

    plan: Plan
    leaves: tuple[Array, ...]
    states: Array | None = None

    def __repr__(self) -> str:
        return f"<CompiledDensity of {self.size} dimensions>"

    @property
    def size(self) -> int:
        """Dimension n of the unconstrained space."""
        return self.plan.slots[-1].stop if self.plan.slots else 0

    def evaluation(self) -> Evaluation:
        """A new evaluation, on these data."""
        constants = Constants(
            dict(zip(self.plan.keys, self.leaves, strict=True)), dict(zip(self.plan.keys, self.plan.axes, strict=True))
        )
        evaluation = Evaluation(self.plan.program, constants, None)
        if self.plan.walk is not None and self.states is not None:
            evaluation.known.update(self.plan.walk.values_at(self.states))
        return evaluation

    def log_density(self, u: Array) -> Array:
        """(n,) -> (): the log density, up to a constant, with the Jacobian of the transforms."""
        return functools.reduce(jnp.add, self.terms(u).values())

    def terms(self, u: Array) -> dict[str, Array]:
        """The log density in pieces: one for each term, one for the terms that discrete latents are summed out of
        (named after these), and `jacobian`."""
        return _terms(self.evaluation(), self.plan, self._vector(u))

    def initial(self, key: Array) -> Array:
        """(n,): uniform on (-2, 2)."""
        return jax.random.uniform(key, (self.size,), jnp.float64, -2.0, 2.0)

    def log_density_on(self, u: Array, batch: Mapping[str, Array]) -> Array:
        """An unbiased estimate of `log_density(u)` from some elements of some dims.

        batch: positions along each dim, (m,) integers, drawn uniformly. Observing terms over such a dim are computed
        for these elements only and scaled by N / m; everything else is whole.
        """
        check_batch(self.plan.program, batch)
        return self.estimate(u, {dim: Sample(jnp.asarray(at)) for dim, at in batch.items()})

    def estimate(self, u: Array, batch: Mapping[str, Sample]) -> Array:
        """`log_density_on` of dims that can be subsampled, with a way to the elements."""
        return functools.reduce(jnp.add, _terms(self.evaluation(), self.plan, self._vector(u), batch).values())

    def shuffled(self, dim: str, count: int, seed: Sequence[int]) -> Shuffled:
        """With the data along a dim copied in an order that `seed` determines, for estimates from slices of it.

        Raises:
            PplError: no such dim, or fewer elements (E608); the model cannot be subsampled over it (E551).
        """
        elimination = self.plan.elimination
        whole = (lambda _: False) if elimination is None else elimination.reads_discrete
        check_setting(self.plan.program, dim, count, whole)
        return shuffled(self, dim, count, seed)

    def diagnose(self, u: Array, most: int = 3) -> list[Fault]:
        """The elements of terms whose log-probability at u is not finite, up to `most` of each term."""
        evaluation = self._at(u)
        evaluation.noting_failures()
        found = faults(elements(evaluation, self.plan.elimination), self.plan.program.names, most)
        return [*found, *solve_faults(evaluation, most)]

    # --- discrete latents that stay ------------------------------------------------------------------

    @property
    def cardinality(self) -> npt.NDArray[np.int64]:
        """(sites,): the number of states of every element of a discrete latent that stays in the density."""
        return np.zeros(0, np.int64) if self.plan.walk is None else self.plan.walk.cardinality

    @property
    def scopes(self) -> tuple[npt.NDArray[np.int64], ...]:
        """For each of `tables` the sites that its ground factors read, (f, r)."""
        keys = () if self.plan.walk is None else self.plan.walk.keys
        constants = dict(zip(self.plan.keys, self.leaves, strict=True))
        return tuple(np.asarray(constants[key], np.int64) for key in keys)

    def tables(self, u: Array) -> tuple[Array, ...]:
        """The terms that read the sites: for each scope (f, K_1, ..., K_r), or (1, K_1, ..., K_r) where all its ground
        factors are equal. They sum to the log density at u and any states, up to what does not depend on these."""
        return () if self.plan.walk is None else self.plan.walk.factors(replace(self, states=None)._at(u).lowering)

    def given(self, states: Array) -> CompiledDensity:
        """The density of the continuous latents, with these states of the sites."""
        return replace(self, states=states)

    def at(self, place: Array) -> tuple[CompiledDensity, Array]:
        """(n + sites,), a vector and the states after it -> the density given these states, and the vector."""
        if self.plan.walk is None:
            return self, place
        return self.given(jnp.asarray(place[self.size :]).astype(np.int32)), place[: self.size]

    # --- draws ---------------------------------------------------------------------------------------

    def constrain(self, u: Array) -> dict[str, Array]:
        """Every continuous latent and every recorded quantity that depends on these alone, in its declared shape."""
        return _named(self._at(u))

    def reconstruct(self, u: Array, key: Array) -> dict[str, Array]:
        """Every latent and every recorded quantity that depends on one; discrete latents, which u leaves open, are a
        joint draw from their posterior given u."""
        return _named(self._drawn(u, key))

    def marginals(self, u: Array) -> dict[str, Array]:
        """For each discrete latent the posterior probabilities of its values given u, (dims..., values)."""
        elimination = self.plan.elimination
        return {} if elimination is None else marginals(elimination, self._at(u).lowering)

    def follow(
        self, u: Array, key: Array, *, log_likelihood: bool = True, predictive: bool = True
    ) -> dict[str, dict[str, Array]]:
        """All that follows from one draw: `values`, as `reconstruct` gives them, and with the same draw of discrete
        latents `log_likelihood`, `replicates` and `predictions`, as the methods of these names do."""
        evaluation = self._drawn(u, key)
        replicates, new = jax.random.split(key)
        return {
            "values": _named(evaluation),
            "log_likelihood": self.log_likelihood(u) if log_likelihood else {},
            "replicates": replicate(evaluation, replicates) if predictive else {},
            "predictions": predictions(evaluation, new),
        }

    def unconstrain(self, values: Mapping[str, Array]) -> Array:
        """(n,): the vector at which the latents have these values.

        Raises:
            ValueError: a latent has no value, or one of the wrong shape.
        """
        evaluation = self.evaluation()
        return evaluation.unconstrain(self.plan.slots, self.latent_values(values, evaluation))

    def latent_values(self, values: Mapping[str, Array], evaluation: Evaluation | None = None) -> dict[str, Array]:
        """The value of each latent with a place in the vector, those of missing elements too (`y_missing`: where
        elements are not sampled, any number may stand).

        Raises:
            ValueError: as of `unconstrain`.
        """
        evaluation = self.evaluation() if evaluation is None else evaluation
        apart = sampled_among(evaluation)
        dims_of, found = self.dims_of, {}
        for slot in self.plan.slots:
            name = apart[slot.latent.name].name if slot.latent.name in apart else slot.latent.name
            shape = self.plan.program.shape(dims_of[name])
            if name not in values:
                raise ValueError(f"no value is given for `{name}`")
            if np.shape(values[name]) != shape:
                raise ValueError(f"`{name}` has shape {np.shape(values[name])}, but here it should be {shape}")
            found[slot.latent.name] = values[name]
        return {**found, **missing_elements(evaluation, values)}

    def log_likelihood(self, u: Array) -> dict[str, Array]:
        """For each observed quantity the log-likelihood of each element (NaN where no term observes it), over
        `likelihood_dims`."""
        return log_likelihood(self._at(u), self.plan.elimination)

    def replicate(self, u: Array, key: Array) -> dict[str, Array]:
        """New data in the place of the observed ones, given the draw."""
        return self.follow(u, key)["replicates"]

    def predict(self, u: Array, key: Array) -> dict[str, Array]:
        """What the `predict` statements draw, given the draw of the latents."""
        return self.follow(u, key)["predictions"]

    def _at(self, u: Array) -> Evaluation:
        evaluation = self.evaluation()
        evaluation.constrain(self.plan.slots, self._vector(u))
        return evaluation

    def _drawn(self, u: Array, key: Array) -> Evaluation:
        """With discrete latents drawn too, latents that nothing observed depends on, and missing elements that the
        density leaves out."""
        evaluation = self._at(u)
        elimination = self.plan.elimination
        if elimination is not None:
            evaluation.known.update(drawn(elimination, evaluation.lowering, jax.random.fold_in(key, 2)))
        evaluation = completed(evaluation, self.plan.whole, jax.random.fold_in(key, 4))
        return drawn_forward(evaluation, jax.random.fold_in(key, 3))

    def _vector(self, u: Array) -> Array:
        if np.shape(u) != (self.size,):
            raise ValueError(f"expected a vector of {self.size} numbers, but its shape is {np.shape(u)}")
        return jnp.asarray(u)

    @property
    def dims_of(self) -> dict[str, tuple[str, ...]]:
        """The dims of every quantity of the model, by name."""
        graph = self.plan.whole.graph
        return {node.name: node.dims for node in graph.nodes if not isinstance(node, Term | Energy | Clamp)}

    @property
    def likelihood_dims(self) -> dict[str, tuple[str, ...]]:
        """The dims of each entry of `log_likelihood`: those of the observed quantity without those of one event."""
        return likelihood_dims(self.plan.program)


def _terms(evaluation: Evaluation, plan: Plan, u: Array, batch: Mapping[str, Sample] | None = None) -> dict[str, Array]:
    """Pieces of one name are one: the sum over the missing elements of `x` and the term of those that are there."""
    found: dict[str, Array] = {}
    for name, value in _pieces(evaluation, plan, u, batch):
        found[name] = found[name] + value if name in found else value
    return found


def _pieces(
    evaluation: Evaluation, plan: Plan, u: Array, batch: Mapping[str, Sample] | None
) -> Iterator[tuple[str, Array]]:
    program, elimination = evaluation.program, plan.elimination
    evaluation.noting_failures()
    jacobian = evaluation.constrain(plan.slots, u)
    if elimination is not None:
        yield elimination.name, summed_out(elimination, evaluation.lowering)
    for term in program.graph.factors:
        if elimination is not None and elimination.reads_discrete(term):
            continue
        if id(term) in evaluation.settled:
            yield program.names[id(term)], evaluation.settled[id(term)]
            continue
        lowering: Context = evaluation.lowering
        weight = None
        if batch and is_subsampled(term):
            lowering, weight = subsampled(lowering, term, batch)
        yield program.names[id(term)], total(score(lowering, term), term.axes, weight)
    yield from solve_terms(evaluation)
    yield "jacobian", jnp.asarray(jacobian)


def _named(evaluation: Evaluation) -> dict[str, Array]:
    program = evaluation.program
    apart = sampled_among(evaluation)
    outcomes = program.graph.outcomes
    names = [lt.name for lt in program.graph.latents if lt.name not in apart and lt.name not in outcomes]
    names += [v.name for v in program.graph.values if v.recorded and not program.is_data(v.name)]
    known = [name for name in names if evaluation.known.keys() >= program.undetermined(name)]
    return {name: evaluation.quantity(name) for name in known}


def compile_density(
    graph: ModelGraph, dataset: Dataset, request: Request | None = None, *, summed: bool = True
) -> CompiledDensity:
    """The log-density of a checked model given data that were bound to it. request: what to centre, and what not;
    for the rest it is chosen. summed: whether discrete latents are summed out, or stay as sites to walk through.

    Raises:
        PplError: discrete latents that cannot be summed out (E402); a parameter (E552) or points (E554) that data
            determine are impossible, or a request (E508) is; missing data that have no distribution (E317) or cannot
            be inferred (E318).
    """
    graph, dataset = prepared(graph, dataset)
    check_summable(graph)
    sampled = relevant(graph)
    program = make_program(sampled, dataset, choose(sampled, dataset, request))
    whole = program if sampled is graph else make_program(graph, dataset)
    given = data_lowering(whole, dataset)
    check_increasing(given)
    check_parameters(given, dataset.labels)
    return compile_program(program, dataset, whole, summed=summed)


def compile_program(
    program: Program,
    dataset: Dataset,
    whole: Program,
    *,
    summed: bool = True,
    used: Callable[[Evaluation], object] | None = None,
) -> CompiledDensity:
    """The log-density of a program on data that were checked. whole: see `Plan`; used: what its evaluations are for
    besides the density, if that is not all that a `CompiledDensity` gives."""
    recorder = Recorder()
    data = data_lowering(program, dataset)
    elimination = plan_elimination(program, data, recorder) if summed else None
    walk = None if summed else plan_walk(program, data, recorder)
    draft = Plan(program, (), (), (), elimination, walk, whole)
    with jax.enable_x64(True):
        if used is None:
            _record(draft, recorder, data)
        else:
            vector = np.zeros((draft.slots[-1].stop if draft.slots else 0,))
            jax.eval_shape(lambda u: _terms(Evaluation(program, recorder, data), draft, u), vector)
            jax.eval_shape(lambda: used(Evaluation(program, recorder, data)))
        leaves = tuple(jnp.asarray(array) for array in recorder.arrays.values())
    shapes = tuple((array.shape, array.dtype.str) for array in recorder.arrays.values())
    keys = tuple(recorder.arrays)
    axes = tuple(recorder.axes[key] for key in keys)
    return CompiledDensity(Plan(program, keys, axes, shapes, elimination, walk, whole), leaves)


def _record(plan: Plan, recorder: Recorder, data: Lowering) -> None:
    """Traces everything once, so that every constant is asked for."""
    program, slots, elimination, walk = plan.program, plan.slots, plan.elimination, plan.walk

    def evaluation(states: Array | None) -> Evaluation:
        known = {} if walk is None or states is None else walk.values_at(states)
        return Evaluation(program, recorder, data, known)

    def everything(u: Array, states: Array | None, batches: dict[str, Array]) -> list[dict[str, Array]]:
        if walk is not None:
            blank = evaluation(None)
            blank.constrain(slots, u)
            walk.factors(blank.lowering)
        whole = evaluation(states)
        key = jax.random.key(0)
        outputs = [_terms(whole, plan, u), log_likelihood(whole, elimination)]
        elements(whole, elimination)
        if elimination is not None:
            whole.known.update(drawn(elimination, whole.lowering, key))
        whole = drawn_forward(completed(whole, plan.whole, key), key)
        outputs += [_named(whole), replicate(whole, key), predictions(whole, key), missing_elements(whole, whole.known)]
        for dim, positions in batches.items():
            outputs.append(_terms(evaluation(states), plan, u, {dim: Sample(positions)}))
        return outputs

    vector = np.zeros((slots[-1].stop if slots else 0,))
    batches = {dim: np.zeros((1,), np.int64) for dim in batch_dims(program)}
    states = None if walk is None else np.zeros(len(walk.cardinality), np.int64)
    jax.eval_shape(everything, vector, states, batches)
