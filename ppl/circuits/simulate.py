"""`ppl.simulate`: draws of the quantities of a model from a netlist, whatever its units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ppl.circuits.analogue_simulating import ModesSimulation, SimulatedModes, simulated_modes
from ppl.circuits.simulating import Simulated, SimulationOptions, simulated
from ppl.errors import Diagnostic, Exit, PplError
from ppl.hardware.analogue.modes import Modes
from ppl.hardware.netlist.netlist import Netlist
from ppl.results.container import to_arviz
from ppl.running.interrupts import Requests, listening
from ppl.running.progress import Progress, make_progress


def simulate(
    netlist: Netlist | Modes,
    *,
    draws: int | None = None,
    replicas: int | None = None,
    sweeps: int | None = None,
    burn_in: int | None = None,
    beta: float | None = None,
    interval: float | None = None,
    step: float | None = None,
    noise: float | None = None,
    tau: float | None = None,
    seed: int | None = None,
    method: str | None = None,
    devices: str | None = None,
    progress: bool | None = None,
) -> Any:
    """Draws of the quantities of a netlist's model from simulated units, as `arviz.InferenceData` (ArviZ 0.x) or
    `xarray.DataTree` (1.x); each chain is a replica.

    The settings are those of `SimulationOptions` for p-bits and pdits, and of `ModesSimulation` for modes.
    `ppl.diagnose(fit)` says whether to trust the draws.

    Raises:
        PplError: a setting is not valid (E608), readouts are not (E710), or the netlist is none for the method (E711);
            modes have no minimum (E731), or diverge (E733).
    """
    given = {
        name: value for name, value in locals().items() if name not in ("netlist", "progress") and value is not None
    }
    options = options_for(netlist, given)
    with listening() as requests:
        found = run(netlist, options, make_progress(progress), requests)
    return to_arviz(found.groups, found.attrs)


def options_for(netlist: Netlist | Modes, given: Mapping[str, Any]) -> SimulationOptions | ModesSimulation:
    """given: settings by name.

    Raises:
        PplError: one that such units do not have, or with a value that it does not take (E608).
    """
    kind = ModesSimulation if isinstance(netlist, Modes) else SimulationOptions
    unknown = [name for name in given if name not in {one.name for one in fields(kind)}]
    if unknown:
        units = "modes" if isinstance(netlist, Modes) else "p-bits and pdits"
        title = f"`{unknown[0]}` is no setting of simulated {units}, of which {netlist.name} is"
        raise PplError([Diagnostic("E608", title)], exit_code=Exit.USAGE)
    return kind(**given)


def run(
    netlist: Netlist | Modes, options: SimulationOptions | ModesSimulation, progress: Progress, requests: Requests
) -> Simulated | SimulatedModes:
    if isinstance(netlist, Modes):
        assert isinstance(options, ModesSimulation)
        return simulated_modes(netlist, options, progress, requests)
    assert isinstance(options, SimulationOptions)
    return simulated(netlist, options, progress, requests)
