"""`ppl compile`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ppl.cli.edge import print_json, show_warnings
from ppl.cli.sample import in_options
from ppl.cli.shared import data_option, json_option, set_option, values_set
from ppl.errors import Exit
from ppl.model import load

if TYPE_CHECKING:
    from ppl.circuits.compiling import Compiled, Options


@click.command("compile")
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
    as_json: bool,
) -> int:
    """Lower a model of discrete quantities to a netlist of coupled stochastic units, and write it for a target.

    Each quantity becomes p-bits or pdits with the very law of the model given its data; what is observed, or clamped
    with --set, is folded in. Prints how faithful the netlist is and what it takes. A netlist in the place of the model,
    or an Ising model, QUBO or max-cut in another program's format, is checked and told of; with --target it is written
    as that.

    \b
    Examples:
        ppl compile ising.ppl --data ising.json -o ising.netlist.json
        ppl compile ising.ppl --data ising.json --set "s[0]=+1" --kl 1e-3
        ppl compile ising.netlist.json
    """
    from ppl.circuits.compiling import make_options, ready
    from ppl.circuits.files import is_netlist, read_netlist, write_emitted
    from ppl.circuits.report import to_data, to_text
    from ppl.circuits.targets import find_target
    from ppl.hardware.fidelity import fidelity

    with in_options():
        options = make_options(kl=kl, encoding=encoding, fabric=fabric, reduction=reduction, degree=degree)
        chosen = find_target(target)
    source = click.get_current_context().get_parameter_source
    asked = {name for name in ("target", "output") if source(name) is click.core.ParameterSource.COMMANDLINE}
    if is_netlist(Path(model)):
        steering = {"--encoding": encoding != "direct", "--fabric": fabric != "any", "--degree": degree is not None}
        steering["--reduction"] = reduction != "thermal"
        wrong = [name for name, there in {"--data": data, "--set": given, **steering}.items() if there]
        if wrong:
            raise click.UsageError(f"{wrong[0]} goes with a model, and {model} is a netlist.")
        netlist = ready(read_netlist(Path(model)), kl, chosen.in_words)
        found = fidelity(netlist)
    else:
        asked.add("target")
        made = _compiled(model, data, given, options)
        netlist = ready(made.netlist, None, chosen.in_words)
        found = fidelity(netlist, made.graph)
    path: Path | None = None
    rows: tuple[tuple[str, str], ...] = ()
    more: Mapping[str, Any] = {}
    if asked:
        path = Path(output) if output is not None else chosen.default_output(Path(model).name.split(".")[0])
        emitted = chosen.emit(netlist)
        write_emitted(emitted, path, chosen.folder, force)
        rows, more = emitted.rows, emitted.data
    if as_json:
        print_json({"output": None if path is None else str(path), **to_data(found), **more})
    else:
        click.echo(to_text(netlist, found, rows))
        click.echo("" if path is None else f"\nWritten: {path}")
    return int(Exit.OK)


def _compiled(model: str, data: tuple[str, ...], given: tuple[str, ...], options: Options) -> Compiled:
    from ppl.circuits.compiling import compile_circuit

    checked = load(model)
    bound = checked.bind(list(data), set=values_set(given))
    show_warnings((*checked.warnings, *bound.warnings), checked.graph.source)
    with in_options():
        return compile_circuit(bound.graph, bound.dataset, Path(model).stem, options)
