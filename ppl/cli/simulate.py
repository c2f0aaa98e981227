"""`ppl simulate`."""

from __future__ import annotations

import signal
from pathlib import Path

import click

from ppl.cli.edge import show_interrupt
from ppl.cli.sample import in_options
from ppl.cli.shared import json_option
from ppl.cli.summary import show_run
from ppl.errors import Exit


@click.command()
@click.argument("netlist", metavar="NETLIST")
@click.option("--output", "-o", metavar="FILE", help="Where the draws go (netCDF).  [default: the netlist's name, .nc]")
@click.option("--force", is_flag=True, help="Replace the output file if it exists.")
@click.option("--draws", type=int, help="Valid readouts of each replica.  [default: 1000; of anneal 1]")
@click.option("--replicas", default=16, show_default=True, help="Independent copies; the chains of the draws.")
@click.option("--sweeps", type=int, help="Sweeps from one readout to the next.  [default: the netlist's]")
@click.option("--burn-in", type=int, help="Sweeps before the first readout.  [default: the netlist's]")
@click.option("--beta", type=float, help="β of all sweeps, in place of the netlist's.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same draws.")
@click.option("--method", default="gibbs", show_default=True, help="gibbs, packed, tempering or anneal.")
@click.option(
    "--devices", metavar="cpu[:N]|gpu[:N]", help="What replicas run on  [default: GPUs if there are, else all cores]"
)
@click.option("--progress/--quiet", "progress", default=None, help="Show progress  [default: in a terminal]")
@json_option
def simulate(
    netlist: str,
    output: str | None,
    force: bool,
    draws: int | None,
    replicas: int,
    sweeps: int | None,
    burn_in: int | None,
    beta: float | None,
    seed: int,
    method: str,
    devices: str | None,
    progress: bool | None,
    as_json: bool,
) -> int:
    """Simulate a netlist of stochastic units, and read its model's quantities from them. An Ising model, QUBO or
    max-cut in another program's format is one too.

    Units are updated in the order that the netlist's schedule says; readouts whose code is invalid are rejected.
    Prints a summary and whether the draws can be trusted, with the acceptance of the readout and the effective
    temperature; leaves all draws in a netCDF file that ArviZ reads. Ctrl-C keeps the draws so far.

    \b
    Examples:
        ppl simulate ising.netlist.json
        ppl simulate ising.netlist.json --beta 0.4 --replicas 64 --sweeps 10 -o ising.nc
        ppl simulate glass.netlist.json --method packed --replicas 512
        ppl simulate G11.txt --method anneal --sweeps 10000
    """
    from ppl.circuits.files import read_netlist
    from ppl.circuits.simulating import SimulationOptions, in_simulate, simulated
    from ppl.results.judge import judge
    from ppl.results.storage import check_writable, write_safely
    from ppl.running.interrupts import Requests, listening
    from ppl.running.progress import make_progress

    path = Path(output) if output is not None else Path(f"{Path(netlist).name.partition('.')[0]}.nc")
    with in_options():
        options = SimulationOptions(draws, replicas, sweeps, burn_in, beta, seed, method, devices)
    units = read_netlist(Path(netlist))
    check_writable(path, force, [Path(netlist)])
    requests = Requests()
    try:
        with in_options(), listening(signal.SIGINT, signal.SIGTERM) as requests:
            found = simulated(units, options, make_progress(progress), requests)
            place, problem = write_safely(found.groups, found.attrs, path, force)
    except KeyboardInterrupt:
        show_interrupt(requests.word, as_json)
        return int(requests.exit_code)
    summary, diagnosis = judge(found.groups, found.attrs, say=in_simulate)
    show_run(summary, diagnosis, place, path, problem, found.stopped, as_json, found.numbers())
    if found.stopped:
        return int(requests.exit_code)
    return int(Exit.OK if diagnosis.trusted else Exit.UNTRUSTED)
