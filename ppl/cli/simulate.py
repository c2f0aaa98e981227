"""`ppl simulate`."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

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
@click.option("--replicas", type=int, help="Independent copies; the chains of the draws.  [default: 16]")
@click.option("--sweeps", type=int, help="Of p-bits: from one readout to the next.  [default: the netlist's]")
@click.option(
    "--burn-in",
    type=int,
    help="Before the first readout: sweeps, or relaxation times of modes.  [default: the netlist's; 20]",
)
@click.option("--beta", type=float, help="Of p-bits: β of all sweeps, in place of the netlist's.")
@click.option("--interval", type=float, help="Of modes: time between readouts.  [default: a relaxation time]")
@click.option("--step", type=float, help="Of modes: time of a step.  [default: by their stiffness]")
@click.option("--noise", type=float, metavar="TIME", help="Of modes: a new normal so often, lines between.  [white]")
@click.option("--tau", type=float, metavar="SECONDS", help="Of modes: a time of 1 on a circuit.  [default: 1e-5]")
@click.option("--seed", type=int, help="The same seed gives the same draws.  [default: 1]")
@click.option(
    "--method",
    help="Of p-bits: gibbs, packed, tempering or anneal; of modes: ou, euler or second-order."
    "  [default: gibbs; ou where motion is linear, else second-order]",
)
@click.option(
    "--devices", metavar="cpu[:N]|gpu[:N]", help="What replicas run on  [default: GPUs if there are, else all cores]"
)
@click.option("--progress/--quiet", "progress", default=None, help="Show progress  [default: in a terminal]")
@json_option
def simulate(
    netlist: str, output: str | None, force: bool, progress: bool | None, as_json: bool, **settings: Any
) -> int:
    """Simulate a netlist of stochastic units, and read its model's quantities from them. An Ising model, QUBO or
    max-cut in another program's format is one too.

    P-bits are updated in the order that the netlist's schedule says; readouts whose code is invalid are rejected. Modes
    move by its dynamics, and what a regulator drives is held between its observations. Prints a summary and whether the
    draws can be trusted, with the effective temperature; leaves all draws in a netCDF file that ArviZ reads. Ctrl-C
    keeps the draws so far.

    \b
    Examples:
        ppl simulate ising.netlist.json
        ppl simulate ising.netlist.json --beta 0.4 --replicas 64 --sweeps 10 -o ising.nc
        ppl simulate glass.netlist.json --method packed --replicas 512
        ppl simulate G11.txt --method anneal --sweeps 10000
        ppl simulate radon.netlist.json --interval 2 --tau 1e-6
    """
    from ppl.circuits.files import is_netlist, read_units
    from ppl.circuits.report import table
    from ppl.circuits.simulate import options_for, run
    from ppl.circuits.simulating import in_simulate
    from ppl.results.judge import judge
    from ppl.results.storage import check_writable, write_safely
    from ppl.running.interrupts import Requests, listening
    from ppl.running.progress import make_progress

    path = Path(output) if output is not None else Path(f"{Path(netlist).name.partition('.')[0]}.nc")
    if Path(netlist).is_file() and not is_netlist(Path(netlist)):
        raise click.UsageError(f"{netlist} is no netlist; if it is a model, `ppl compile {netlist}` makes one of it.")
    units = read_units(Path(netlist))
    with in_options():
        options = options_for(units, {name: value for name, value in settings.items() if value is not None})
    check_writable(path, force, [Path(netlist)])
    requests = Requests()
    try:
        with in_options(), listening(signal.SIGINT, signal.SIGTERM) as requests:
            found = run(units, options, make_progress(progress), requests)
            place, problem = write_safely(found.groups, found.attrs, path, force)
    except KeyboardInterrupt:
        show_interrupt(requests.word, as_json)
        return int(requests.exit_code)
    summary, diagnosis = judge(found.groups, found.attrs, say=in_simulate)
    show_run(summary, diagnosis, place, path, problem, found.stopped, as_json, found.numbers())
    if found.rows() and not as_json:
        click.echo(f"\n{table(found.rows())}")
    if found.stopped:
        return int(requests.exit_code)
    return int(Exit.OK if diagnosis.trusted else Exit.UNTRUSTED)
