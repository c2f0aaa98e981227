"""What data alone determine is computed once, in NumPy, when a model is compiled, and kept as a leaf of the density.

The density is traced once at that time; whatever the lowering asks for is computed and recorded under a key of its
place in the graph. Later traces find it there, as an argument of the program.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ppl.compiler.lowering.named import Array, Named
from ppl.errors import CompilerBug
from ppl.graph import Axis

Key = Hashable


@dataclass(frozen=True, eq=False)
class Constants:
    """Arrays by the place that uses them."""

    arrays: Mapping[Key, Array]
    axes: Mapping[Key, tuple[Axis, ...]]

    def get(self, key: Key, compute: Callable[[], Named]) -> Named:
        """The constant recorded under a key; nothing is computed."""
        if key not in self.arrays:
            raise CompilerBug(f"no constant was recorded for {key}")
        return Named(self.arrays[key], self.axes[key])


@dataclass(frozen=True, eq=False)
class Recorder:
    """Computes what is asked for, and remembers it."""

    arrays: dict[Key, npt.NDArray[np.generic]] = field(default_factory=dict)
    axes: dict[Key, tuple[Axis, ...]] = field(default_factory=dict)

    def get(self, key: Key, compute: Callable[[], Named]) -> Named:
        """The constant under a key, computed when it is first asked for."""
        if key not in self.arrays:
            with np.errstate(all="ignore"):
                named = compute()
            self.arrays[key] = np.ascontiguousarray(named.array) if named.array.ndim else np.asarray(named.array)
            self.axes[key] = named.axes
        return Named(self.arrays[key], self.axes[key])
