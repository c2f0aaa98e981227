"""SystemVerilog of a netlist: a top module that joins slots as its units are joined, memories, a testbench.

The parts, which are the same for all netlists, lie beside this file. Yosys, Verilator and Icarus read all of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files

import numpy as np

from ppl.hardware.emitted import Emitted
from ppl.hardware.netlist.netlist import Integers, Netlist
from ppl.hardware.rtl.generator import starts
from ppl.hardware.rtl.machine import Machine, Slot, machine
from ppl.hardware.rtl.neighbourhoods import Others, width

PARTS = ("control.sv", "slot.sv", "generator.sv", "sum.sv")
TOP, TESTBENCH, ENDS = "top.sv", "tb.sv", "ends.mem"
_LINE = 110


def emit(netlist: Netlist) -> Emitted:
    """Raises PplError: it cannot be written as hardware (E712)."""
    return emitted(machine(netlist))


def emitted(made: Machine) -> Emitted:
    """Files: `top.sv`, whose module `ppl_top` is synthesised with the other parts; `tb.sv`; memories."""
    memories = _memories(made)
    texts = {
        TOP: _top(made, [name for name, _ in memories]),
        **{name: _part(name) for name in PARTS},
        TESTBENCH: _testbench(made),
        ENDS: _hex([*(made.ends - 1).tolist(), *[0] * (2 ** _stage_bits(made) - len(made.ends))], 32),
        **dict(memories),
    }
    styles = {style: sum(cell.style == style for cell in made.cells) for style in ("table", "adder")}
    of = made.generator
    said = ", ".join(f"{count} by {style}" for style, count in styles.items() if count)
    rows = (
        ("updates", f"{said}, in {made.phases} phases of 2 clocks: {made.clocks} clocks a sweep"),
        ("slots", f"{len(made.slots)}, with {made.memory_bits} bits of thresholds, {made.stages} β"),
        ("generator", f"xoroshiro{2 * of.word}+ ({of.a}, {of.b}, {of.c}), words of {of.word} bits, one in each slot"),
    )
    data = {
        "sources": [TOP, *PARTS],
        "testbench": TESTBENCH,
        "styles": styles,
        "phases": made.phases,
        "clocks_per_sweep": made.clocks,
        "slots": len(made.slots),
        "memory_bits": made.memory_bits,
        "stages": made.stages,
        "address_bits": _address_bits(made),
        "threshold_bits": made.threshold_bits,
        "word_bits": of.word,
    }
    return Emitted({name: text.encode("utf-8") for name, text in texts.items()}, rows, data)


def state_bits(made: Machine) -> int:
    """Of each unit in the registers: a power of 2."""
    widest = width(int(made.netlist.states.max()))
    return int(2 ** (widest - 1).bit_length())


def unpacked(made: Machine, words: Integers) -> Integers:
    """(..., words) of the states' registers -> (..., n)."""
    bits = state_bits(made)
    shown = (words[..., None] >> (bits * np.arange(32 // bits))) & (2**bits - 1)
    return np.asarray(shown.reshape(*words.shape[:-1], -1)[..., : made.netlist.size])


def _part(name: str) -> str:
    return files("ppl.hardware.rtl").joinpath(name).read_text("utf-8")


def _memories(made: Machine) -> list[tuple[str, str]]:
    """(file, text) of each slot; slots with the same thresholds share a file."""
    names: dict[str, str] = {}
    found = []
    bits = made.threshold_bits + 1
    for slot in made.slots:
        rows = slot.sets.reshape(-1, slot.sets.shape[2]).tolist()
        text = _hex((sum(t << (z * bits) for z, t in enumerate(row)) for row in rows), bits * slot.sets.shape[2])
        found.append((names.setdefault(text, f"thresholds_{len(names)}.mem"), text))
    return found


def _hex(words: Iterable[int], bits: int) -> str:
    digits = -(-bits // 4)
    return "".join(f"{word:0{digits}x}\n" for word in words)


def _stage_bits(made: Machine) -> int:
    return width(made.stages)


def _words(made: Machine) -> tuple[int, int]:
    """Of the registers of states and of those that hold."""
    return -(-made.netlist.size * state_bits(made) // 32), -(-made.netlist.size // 32)


def _address_bits(made: Machine) -> int:
    """Two that choose the kind of register, and those that count registers of a kind."""
    return 2 + max(3, width(max(_words(made))))


def _literal(values: Iterable[int], bits: int, total: int | None = None) -> str:
    """So many bits each, the first lowest; total: of all, with zeros above."""
    digits = "".join(f"{int(value):0{bits}b}" for value in reversed(list(values)))
    return f"{total or len(digits)}'h{int(digits, 2):x}"


def _joined(parts: list[str], indent: str) -> str:
    """A concatenation, the first part lowest, over as many lines as it takes."""
    lines = _lines(parts[::-1], _LINE - len(indent))
    return f"{{{lines[0]}}}" if len(lines) == 1 else "\n".join(["{", *(indent + one for one in lines)]) + "}"


def _lines(parts: list[str], width: int) -> list[str]:
    """With commas between them, and no part cut."""
    lines = [""]
    for i, part in enumerate(parts):
        item = part if i == len(parts) - 1 else f"{part}, "
        if lines[-1] and len(lines[-1]) + len(item) > width:
            lines.append("")
        lines[-1] += item
    return [line.rstrip() for line in lines]


def _top(made: Machine, memories: list[str]) -> str:
    netlist, bits = made.netlist, state_bits(made)
    state_words, held_words = _words(made)
    begin = starts(made.generator, len(made.slots))
    seeds = [_literal(begin[:, i].tolist(), made.generator.word) for i in range(len(made.slots))]
    slots = "\n".join(
        _slot(made, i, slot, memory, seed)
        for i, (slot, memory, seed) in enumerate(zip(made.slots, memories, seeds, strict=True))
    )
    of_unit = {int(unit): i for i, slot in enumerate(made.slots) for unit in slot.units if unit >= 0}
    drawn = _joined([f"drawn_{of_unit[unit]}" for unit in range(netlist.size)], " " * 8)
    return f"""\
{_about(made)}
module ppl_top (
    input  wire        clk,
    input  wire        rst,
    input  wire [{_address_bits(made) - 1}:0]  address,
    input  wire        write_enable,
    input  wire [31:0] write_data,
    output wire [31:0] read_data
);
    wire [{netlist.size * bits - 1}:0] drawn;
    wire [{32 * state_words - 1}:0] states;
    wire [{width(made.phases) - 1}:0] phase;
    wire [{_stage_bits(made) - 1}:0] stage;
    wire update, load, mix, seed;

    ppl_control #(
        .UNITS({netlist.size}), .STATE_BITS({bits}), .STATE_WORDS({state_words}), .HELD_WORDS({held_words}),
        .PHASES({made.phases}), .PHASE_BITS({width(made.phases)}), .STAGES({made.stages}), \
.STAGE_BITS({_stage_bits(made)}), .ADDRESS_BITS({_address_bits(made)}),
        .PHASE_OF({_literal(made.phase.tolist(), width(made.phases))}),
        .START({_literal(made.start.tolist(), bits, 32 * state_words)}),
        .HELD({_literal(made.held.tolist(), 1, 32 * held_words)}),
        .ENDS("{ENDS}")
    ) control (
        .clk(clk), .rst(rst), .address(address), .write_enable(write_enable), .write_data(write_data),
        .read_data(read_data), .drawn(drawn), .states(states), .phase(phase), .stage(stage), .update(update),
        .load(load), .mix(mix), .seed(seed)
    );

{slots}
    // What the slot of each unit drew.
    assign drawn = {drawn};
endmodule
"""


def _slot(made: Machine, number: int, slot: Slot, memory: str, seed: str) -> str:
    lines = []
    names = []
    for phase, unit in enumerate(slot.units):
        name = f"address_{number}_{phase}"
        if unit < 0:
            names.append(f"{slot.address_bits}'d0")
            continue
        lines += _address(made, int(unit), name, slot.address_bits)
        names.append(name)
    of, sets = made.generator, len(slot.sets)
    set_bits = width(sets)
    index_bits = slot.address_bits + (sets - 1).bit_length()
    body = "\n".join(f"    {line}" for line in lines)
    return f"""\
{body}
    wire [{state_bits(made) - 1}:0] drawn_{number};
    ppl_slot #(
        .PHASES({made.phases}), .PHASE_BITS({width(made.phases)}), .STAGE_BITS({_stage_bits(made)}), \
.STATE_BITS({state_bits(made)}),
        .ADDRESS_BITS({slot.address_bits}), .SETS({sets}), .SET_BITS({set_bits}), .INDEX_BITS({index_bits}), \
.CHOICES({slot.sets.shape[2]}), .THRESHOLD_BITS({made.threshold_bits}),
        .WORD({of.word}), .A({of.a}), .B({of.b}), .C({of.c}),
        .FIRST({_literal(slot.first.tolist(), set_bits)}),
        .START({seed}),
        .THRESHOLDS("{memory}")
    ) slot_{number} (
        .clk(clk), .load(load), .mix(mix), .seed(seed), .update(update), .phase(phase), .stage(stage),
        .addresses({_joined(names, " " * 12)}),
        .drawn(drawn_{number})
    );
"""


def _address(made: Machine, unit: int, name: str, bits: int) -> list[str]:
    """Lines that declare it, as wide as its slot's."""
    cell = made.cells[unit]
    counts = [int(made.netlist.states[term[0]]) for term in cell.terms]
    said = f"// Slot of phase {made.phase[unit]}: {_name(made.netlist.names[unit])}, {cell.style}."
    declared = f"wire [{bits - 1}:0] {name}"
    shown = [_term(made, term, bool(flip)) for term, flip in zip(cell.terms, cell.flips, strict=True)]
    if not shown:
        return [said, f"{declared} = 0;"]
    if cell.style == "table":
        if pad := bits - sum(width(k) for k in counts):
            shown.append(f"{pad}'d0")
        return [said, f"{declared} = {_joined(shown, ' ' * 8)};"]
    weights = _joined([f"{bits}'d{w}" for w in cell.weights], " " * 8)
    return [
        said,
        f"{declared};",
        f"ppl_sum #(.TERMS({len(shown)}), .WIDTH({bits}), .WEIGHTS({weights})) sum_{unit} (",
        f"    .terms({_joined(shown, ' ' * 8)}), .total({name})",
        ");",
    ]


def _term(made: Machine, term: Others, flipped: bool) -> str:
    shown = " ^ ".join(_state(made, unit) for unit in term)
    if not flipped:
        return shown
    return f"~{shown}" if len(term) == 1 else f"~({shown})"


def _state(made: Machine, unit: int) -> str:
    low, bits = unit * state_bits(made), width(int(made.netlist.states[unit]))
    return f"states[{low}]" if bits == 1 else f"states[{low + bits - 1}:{low}]"


def _name(text: str) -> str:
    """What may stand in a comment."""
    return "".join(c if c.isprintable() and c != "\\" else "?" for c in text)


def _about(made: Machine) -> str:
    netlist, bits = made.netlist, state_bits(made)
    state_words, held_words = _words(made)
    step = 2 ** (_address_bits(made) - 2)
    names = _lines([f"{i}: {_name(name)}" for i, name in enumerate(netlist.names)], _LINE)
    units = "\n".join(f"    {line}" for line in names)
    text = f"""\
Netlist {_name(netlist.name)}: {netlist.size} stochastic units, updated by Gibbs sampling in {made.phases} phases of two
clocks, with thresholds of {made.threshold_bits} bits that random words of {made.generator.word} bits are compared with.

Simulate it by hand in this folder, with Icarus or with Verilator; states.txt is then a line of states for each sweep:

    $ iverilog -g2012 -o tb tb.sv top.sv {" ".join(PARTS)}
    $ vvp tb +sweeps=1000 +seed=1 +out=states.txt
    $ verilator --binary --timing --top-module tb tb.sv top.sv {" ".join(PARTS)}
    $ obj_dir/Vtb +sweeps=1000 +seed=1 +out=states.txt

Synthesise it for an iCE40:

    $ yosys -p 'read_verilog -sv -defer top.sv {" ".join(PARTS)}; synth_ice40 -top ppl_top'

Registers of 32 bits; what is read is there a clock after its address.

    0    run    write n: do n sweeps, 0: finish the one under way; read: how many are left
    1    sweep  sweeps done; write: begin the schedule of β anew
    2    stage  of the schedule of β; write: take this one, and stay
    3    seed   write: seed the generators
    4    units  how many there are
    {step:<4} states of units, {bits} x {netlist.size} bits, unit 0 lowest, in {state_words} x 32
    {2 * step:<4} held, 1 x {netlist.size} bits, unit 0 lowest, in {held_words} x 32; a 1 keeps the state

States, held units, sweep and stage are written while nothing runs.
Units:

{units}"""
    return "\n".join(f"// {line}".rstrip() for line in text.split("\n"))


def _testbench(made: Machine) -> str:
    bits, step = _address_bits(made), 2 ** (_address_bits(made) - 2)
    own = f"""\
localparam integer ADDRESS_BITS = {bits}, STATE_WORDS = {_words(made)[0]};
    localparam [ADDRESS_BITS-1:0] RUN = 0, SEED = 3, STATES = {step};"""
    return _part(TESTBENCH).replace("// FROM THE NETLIST", own)
