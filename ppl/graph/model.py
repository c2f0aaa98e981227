"""A whole model, and what it has of each kind of node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ppl.graph.expressions import Read
from ppl.graph.nodes import Clamp, Energy, Input, Latent, Node, Prediction, Quantity, Term, Value
from ppl.source import Source
from ppl.types import Dim


@dataclass(frozen=True)
class Outcome:
    """Partly missing data that are observed, in a graph in which their missing elements are quantities.

    observing: the terms that the elements that are there enter, each of these once; drawn: the terms of the text, of
    all elements; missing: the value that holds the missing elements, one after the other over `dim`, a dim of their
    own (None for data without dims); positions: the inputs that say where they are, one for each dim of the data;
    sampled: the latents among them, and where in `missing` each has its elements.
    """

    observing: tuple[Term, ...]
    drawn: tuple[Term, ...]
    missing: str
    dim: str | None
    positions: tuple[str, ...]
    sampled: tuple[tuple[str, Read], ...]


@dataclass(frozen=True)
class ModelGraph:
    """A checked model. `nodes` are in an order in which every name is defined before it is used, except that terms and
    values may read earlier elements of what they define, and of what reads that. outcomes: once missing elements are
    quantities (`ppl.compiler.passes.missing`), the data that had any. assembled: latents that are no quantities of the
    text but elements of some value, and where in it they are."""

    title: str | None
    source: Source
    dims: Mapping[str, Dim]
    nodes: tuple[Node, ...]
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    assembled: Mapping[str, Read] = field(default_factory=dict)
    _by_name: Mapping[str, Quantity] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        named = {n.name: n for n in self.nodes if isinstance(n, Quantity)}
        object.__setattr__(self, "_by_name", named)

    def __getitem__(self, name: str) -> Quantity:
        """The input, latent, value or prediction of that name."""
        return self._by_name[name]

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Declared data."""
        return tuple(n for n in self.nodes if isinstance(n, Input))

    @property
    def latents(self) -> tuple[Latent, ...]:
        """What is inferred."""
        return tuple(n for n in self.nodes if isinstance(n, Latent))

    @property
    def values(self) -> tuple[Value, ...]:
        """What is computed."""
        return tuple(n for n in self.nodes if isinstance(n, Value))

    @property
    def terms(self) -> tuple[Term, ...]:
        """What `~` adds to the density."""
        return tuple(n for n in self.nodes if isinstance(n, Term))

    @property
    def energies(self) -> tuple[Energy, ...]:
        """What `energy` statements add to it."""
        return tuple(n for n in self.nodes if isinstance(n, Energy))

    @property
    def factors(self) -> tuple[Term | Energy, ...]:
        """Every piece of the log density, in the order of the text."""
        return tuple(n for n in self.nodes if isinstance(n, Term | Energy))

    @property
    def clamps(self) -> tuple[Clamp, ...]:
        """What `observe` statements fix."""
        return tuple(n for n in self.nodes if isinstance(n, Clamp))

    @property
    def predictions(self) -> tuple[Prediction, ...]:
        """What `predict` statements draw."""
        return tuple(n for n in self.nodes if isinstance(n, Prediction) and n.recorded)

    @property
    def forward(self) -> tuple[Prediction, ...]:
        """What stands for missing elements that are drawn after sampling."""
        return tuple(n for n in self.nodes if isinstance(n, Prediction) and not n.recorded)
