"""`ppl compile`."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ppl.cli.edge import print_json, show_interrupt, show_warnings
from ppl.cli.modes import write_modes
from ppl.cli.sample import in_options
from ppl.cli.shared import data_option, json_option, set_option, values_set
from ppl.errors import Exit
from ppl.hardware.emitted import Emitted
from ppl.model import load

if TYPE_CHECKING:
    from ppl.circuits.compiling import Compiled
    from ppl.hardware.analogue.modes import Modes


class CompileCommand(click.Command):
    """A command whose help lists the targets."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from ppl.circuits.targets import TARGETS

        with formatter.section("Targets"):
            formatter.write_dl([(name, target.about) for name, target in TARGETS.items()])


@click.command("compile", cls=CompileCommand)
@click.argument("model", metavar="MODEL")
@data_option
@set_option
@click.option("--target", default="netlist", metavar="NAME", help="What comes out, see below.  [default: netlist]")
@click.option("--output", "-o", metavar="PATH", help="Where it goes.  [default: the model's name, and an ending]")
@click.option("--force", is_flag=True, help="Replace what is there.")
@click.option("--kl", type=float, metavar="NATS", help="Choose word lengths to be no further off than this.")
@click.option(
    "--encoding",
    default="direct",
    metavar="CODE",
    help="Of quantities of more than two values: direct (a pdit), one-hot, domain-wall or binary.  [default: direct]",
)
@click.option("--fabric", default="any", metavar="KIND", help="What joins units: any, or pairwise.  [default: any]")
@click.option(
    "--reduction",
    default="thermal",
    metavar="KIND",
    help="What stands for larger products on a pairwise fabric: thermal or rosenberg.  [default: thermal]",
)
@click.option("--degree", type=int, metavar="N", help="The most neighbours of a unit, with --fabric pairwise.")
@click.option("--dynamics", metavar="KIND", help="Of modes: overdamped, or underdamped.  [default: overdamped]")
@click.option("--friction", type=float, help="Of underdamped modes.  [default: 1]")
@click.option("--period", type=float, metavar="TIME", help="Of modes: a regulator that observes them so often.")
@click.option("--latency", type=float, metavar="TIME", help="Of the regulator: how late it acts.  [default: 0]")
@click.option("--driven", metavar="PART", help="What it drives: force, couplings or all.  [default: force]")
@click.option("--device", metavar="NAME", help="Of --target ice40: hx1k, hx8k or up5k.  [default: the one that fits]")
@click.option("--pins", metavar="FILE", help="Of --device: which pins the wires come to, a .pcf.  [default: any]")
@click.option("--time-limit", default=600.0, show_default=True, metavar="SECONDS", help="Of each tool that is run.")
@json_option
def compile(
    model: str,
    data: tuple[str, ...],
    given: tuple[str, ...],
    target: str,
    output: str | None,
    force: bool,
    kl: float | None,
    encoding: str,
    fabric: str,
    reduction: str,
    degree: int | None,
    dynamics: str | None,
    friction: float | None,
    period: float | None,
    latency: float | None,
    driven: str | None,
    device: str | None,
    pins: str | None,
    time_limit: float,
    as_json: bool,
) -> int:
    """Lower a model to a netlist of coupled stochastic units, and write it for a target.

    Discrete quantities become p-bits or pdits, continuous ones modes (what is discrete beside them is summed out), with
    the very law of the model given its data; what is observed, or clamped with --set, is folded in. Prints how faithful
    the netlist is and what it takes. A netlist in the place of the model, or an Ising model, QUBO or max-cut in another
    program's format, is checked and told of; with --target it is written as that.

    \b
    Examples:
        ppl compile ising.ppl --data ising.json -o ising.netlist.json
        ppl compile ising.ppl --data ising.json --set "s[0]=+1" --kl 1e-3
        ppl compile radon.ppl --data radon.json --dynamics underdamped --friction 2
        ppl compile ising.netlist.json
        ppl compile ising.netlist.json --target ice40 --device hx8k
    """
    from ppl.circuits.analogue import options_of_modes
    from ppl.circuits.compiling import Compiled, make_options, ready
    from ppl.circuits.files import is_netlist, read_units, write_emitted
    from ppl.circuits.report import table, to_data, to_text
    from ppl.circuits.targets import find_board, find_target
    from ppl.hardware.analogue.modes import Modes
    from ppl.hardware.fidelity import fidelity
    from ppl.hardware.tools.running import Oversight
    from ppl.running.interrupts import Requests, listening
    from ppl.running.progress import make_progress

    said = _said()
    of_pbits = {"kl": kl, "encoding": encoding, "fabric": fabric, "reduction": reduction, "degree": degree}
    of_modes = {"dynamics": dynamics, "friction": friction, "period": period, "latency": latency, "driven": driven}
    of_pbits, of_modes = ({name: own[name] for name in own if name in said} for own in (of_pbits, of_modes))
    with in_options():
        make_options(**of_pbits)
        options_of_modes(of_modes)
        chosen = find_target(target)
        board = find_board(chosen, device, pins)
        requests, progress = Requests(), make_progress(None)
        oversight = Oversight(time_limit, lambda: requests.stop, progress.stage)
    graph = None
    if is_netlist(Path(model)):
        names = {"data": "--data", "given": "--set", **{name: f"--{name}" for name in (*of_pbits, *of_modes)}}
        wrong = [option for name, option in names.items() if name in said - {"kl"}]
        if wrong:
            raise click.UsageError(f"{wrong[0]} goes with a model, and {model} is a netlist.")
        units = read_units(Path(model))
        if isinstance(units, Modes) and kl is not None:
            raise click.UsageError(f"--kl goes with p-bits, and {model} is a netlist of modes.")
    else:
        made = _lowered(model, data, given, {**of_pbits, **of_modes}, chosen.emit_modes is not None)
        units, graph, kl = (made.netlist, made.graph, None) if isinstance(made, Compiled) else (made, None, None)
    path: Path | None = None
    if not is_netlist(Path(model)) or said & {"target", "output"}:
        path = Path(output) if output is not None else chosen.default_output(Path(model).name.split(".")[0])
    inputs = [Path(one) for one in (model, *data, *([pins] if pins else []))]
    if isinstance(units, Modes):
        return write_modes(units, chosen, path, force, inputs, as_json)
    netlist = ready(units, kl, chosen.in_words)
    found = fidelity(netlist, graph)
    emitted = Emitted({})
    if path is not None:
        emitted = chosen.emit(netlist)
        emitted = replace(emitted, files={**emitted.files, **board.files})
        write_emitted(emitted, path, chosen.folder, force, inputs)
    if not as_json:
        click.echo(to_text(netlist, found, emitted.rows))
        click.echo("" if path is None else f"\nWritten: {path}")
    built = Emitted({})
    if path is not None and chosen.build is not None:
        try:
            with listening(signal.SIGINT, signal.SIGTERM) as requests:
                built = chosen.build(path, emitted, netlist, board, oversight)
        except KeyboardInterrupt:
            show_interrupt(requests.word, as_json, f"what was written is in {path}")
            return int(requests.exit_code)
        finally:
            progress.close()
        if not as_json:
            click.echo(f"\n{table(built.rows)}")
    if as_json:
        print_json({"output": None if path is None else str(path), **to_data(found), **emitted.data, **built.data})
    return int(Exit.OK)


def _said() -> set[str]:
    """Parameters that the command line gives."""
    context = click.get_current_context()
    line = click.core.ParameterSource.COMMANDLINE
    return {name for name in context.params if context.get_parameter_source(name) is line}


def _lowered(
    model: str, data: tuple[str, ...], given: tuple[str, ...], options: Mapping[str, Any], takes_modes: bool
) -> Compiled | Modes:
    from ppl.circuits.lowering import lower

    checked = load(model)
    bound = checked.bind(list(data), set=values_set(given))
    show_warnings((*checked.warnings, *bound.warnings), checked.graph.source)
    with in_options():
        return lower(bound.graph, bound.dataset, Path(model).stem, options, takes_modes)
