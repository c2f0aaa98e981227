"""Random programs that the grammar accepts, as text in a careless layout: odd spaces, line breaks, comments."""

from __future__ import annotations

import random
from collections.abc import Callable

NAMES = ["x", "y", "mu", "σ", "θ̂", "obs", "county", "t", "e", "e1", "_a", "ordered", "from", "use", "T", "normal"]
BINARY = ["+", "-", "*", "/", "//", "%", "^", "@", "<", "<=", ">", ">=", "==", "!=", "and", "or"]
NUMBERS = ["0", "1", "42", "0.5", ".5", "5.", "1e-3", "2.5E+10", "007"]
LABELS = ['"Choate"', "'St. Paul'", '"a # b"', "'say \"no\"'", '"[{("', '""']


class Writer:
    """One random program. Every choice comes from the generator it is given."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.brackets = 0

    def program(self) -> str:
        lines = [self.line(0) for _ in range(self.rng.randrange(0, 9))]
        return self.rng.choice(["", "\n", "\ufeff"]) + "".join(lines)

    def line(self, indent: int) -> str:
        rng = self.rng
        blank = rng.choice(["", "", "", "\n", "\n \n\n"])
        if rng.random() < 0.15:
            return blank + " " * rng.randrange(5) + self.comment() + self.end_of_line()
        trailing = self.space() + self.comment() if rng.random() < 0.2 else ""
        return blank + " " * indent + self.statement(indent) + trailing + self.end_of_line()

    def end_of_line(self) -> str:
        return self.rng.choice(["\n", "\n", "\n", "\r\n"])

    def comment(self) -> str:
        return self.rng.choice(["# note", "#", "#  ~ = ( [ { 'it is' \t", "# für μ"])

    def space(self) -> str:
        """Space between two tokens; inside brackets a line break, perhaps with a comment, is space too."""
        rng = self.rng
        if self.brackets and rng.random() < 0.06:
            return rng.choice(["\n", "\n\n   ", " # why\n", "\n  # above\n  ", "\n#a\n#b\n", "\r\n"])
        return rng.choice(["", " ", " ", "  ", "\t"])

    def gap(self) -> str:
        """Space that has to be there."""
        return self.space() or " "

    def name(self) -> str:
        return self.rng.choice(NAMES)

    def names(self, most: int = 3) -> str:
        return (self.space() + "," + self.space()).join(self.name() for _ in range(self.rng.randrange(1, most + 1)))

    # --- statements ----------------------------------------------------------------------------------

    def statement(self, indent: int) -> str:
        rng = self.rng
        inner = [self.relation, self.relation, self.relation, self.energy, self.predict]
        if indent < 8:
            inner.append(lambda: self.block(indent))
        if indent == 0:
            inner += [
                self.dims,
                self.data,
                self.var,
                self.observe,
                self.define,
                lambda: "model " + self.name(),
                lambda: "use " + self.name(),
            ]
        return rng.choice(inner)()

    def relation(self) -> str:
        targets = ",".join(self.space() + self.target() for _ in range(self.rng.choice([1, 1, 1, 2])))
        value = self.rng.choice(["=" + self.value(), "~" + self.space() + self.call(3)])
        return targets.lstrip() + self.space() + value + self.maybe_loop()

    def predict(self) -> str:
        return "predict " + self.target() + self.space() + "~" + self.space() + self.call(3) + self.maybe_loop()

    def energy(self) -> str:
        return "energy " + self.name() + self.space() + ":" + self.value() + self.maybe_loop()

    def observe(self) -> str:
        return "observe " + self.target() + self.space() + "=" + self.value()

    def value(self) -> str:
        return self.space() + self.expression(4)

    def target(self) -> str:
        return self.name() + (self.indices(1) if self.rng.random() < 0.5 else "")

    def maybe_loop(self) -> str:
        return self.gap() + self.loop(1) if self.rng.random() < 0.25 else ""

    def loop(self, depth: int) -> str:
        bindings = [self.binding(depth) for _ in range(self.rng.choice([1, 1, 2]))]
        condition = f" if {self.expression(depth)}" if self.rng.random() < 0.3 else ""
        return "for " + ", ".join(bindings) + condition

    def binding(self, depth: int) -> str:
        part = "[" + self.slice(depth) + "]" if self.rng.random() < 0.3 else ""
        return f"{self.name()} in {self.name()}{part}"

    def block(self, indent: int) -> str:
        outside, self.brackets = self.brackets, 0
        ends = ["\n", "\n", ";", " ; \n", "\n\n", " # end\n"]
        body = [self.statement(indent + 4) + self.rng.choice(ends) for _ in range(self.rng.randrange(1, 4))]
        opening = self.rng.choice(["", "\n", " # begin\n", "\n\n# first\n"])
        self.brackets = outside
        return self.loop(1) + " {" + opening + " ".join(body) + "}"

    def dims(self) -> str:
        rng = self.rng
        items = []
        for _ in range(rng.randrange(1, 4)):
            label = rng.choice([*LABELS, "prey", "predator", '"prey"', '"for"'])
            size = rng.choice(["", "", f" = {rng.randrange(9)}", f"={{a,\n {label} , b}}", f" = {{ {label}}}"])
            items.append(self.name() + size + rng.choice(["", "", " ordered"]))
        return "dim " + ", ".join(items)

    def declared(self, missing: bool) -> str:
        rng = self.rng
        return (
            self.name()
            + rng.choice(["", f"[{self.names()}]", "[obs, ]"])
            + (rng.choice(["", "", "?", " ? "]) if missing else "")
            + rng.choice(["", "", ": bool", " : county from 1", ":county from 0"])
            + rng.choice(["", "", f" > {self.operand(1)}", "<=0", f" in [{self.expression(1)},{self.expression(1)}]"])
        )

    def data(self) -> str:
        return "data " + ",".join(self.declared(True) for _ in range(self.rng.randrange(1, 4)))

    def var(self) -> str:
        return "var " + ", ".join(self.declared(False) for _ in range(self.rng.randrange(1, 4)))

    def define(self) -> str:
        rng = self.rng
        head = f"def {self.name()}({rng.choice(['', self.names(), self.names() + ','])})"
        if rng.random() < 0.5:
            return head + " =" + self.value()
        ends = ["\n", ";", " # c\n", "\n\n", "\n# own line\n"]
        lines = [f"{self.name()} ={self.value()}" + rng.choice(ends) for _ in range(rng.randrange(0, 3))]
        return (
            head + " {" + rng.choice(["", "\n", "# b\n"]) + " ".join(lines) + "return" + " " + self.expression(2) + " }"
        )

    # --- expressions ---------------------------------------------------------------------------------

    def expression(self, depth: int) -> str:
        """Any expression, as a whole."""
        rng = self.rng
        roll = rng.random()
        if depth <= 0 or roll < 0.3:
            return self.operand(depth)
        if roll < 0.36:
            return f"{self.operand(depth - 1)} if {self.operand(depth - 1)} else {self.expression(depth - 1)}"
        if roll < 0.42:
            return "not " + self.operand(depth - 1)
        terms = [self.operand(depth - 1) for _ in range(rng.choice([2, 2, 3]))]
        compared = False
        text = terms[0]
        for term in terms[1:]:
            # Comparisons do not chain.
            operator = rng.choice(BINARY[:8] if compared else BINARY)
            compared = compared or operator in BINARY[8:14]
            padded = operator in ("and", "or")
            before, after = (self.gap(), self.gap()) if padded else (self.space(), self.space())
            text += before + operator + after + term
            if padded:
                compared = False
        return text

    def operand(self, depth: int) -> str:
        """Something that may stand on either side of any operator."""
        rng = self.rng
        roll = rng.random()
        if depth <= 0 or roll < 0.35:
            return rng.choice([self.name(), self.name(), rng.choice(NUMBERS), "true"])
        if roll < 0.5:
            return self.bracketed("(", lambda: self.expression(depth - 1), ")")
        if roll < 0.6:
            return rng.choice("+-") + rng.choice(["", " "]) + self.operand(depth - 1)
        if roll < 0.75:
            return self.name() + self.space_without_break() + self.indices(depth - 1)
        if roll < 0.8:
            return self.name() + "." + self.name()
        return self.call(depth - 1)

    def space_without_break(self) -> str:
        return self.rng.choice(["", "", " "])

    def bracketed(self, opening: str, inside: Callable[[], str], closing: str) -> str:
        self.brackets += 1
        text = opening + self.space() + inside() + self.space() + closing
        self.brackets -= 1
        return text

    def call(self, depth: int) -> str:
        rng = self.rng

        def arguments() -> str:
            if rng.random() < 0.2:
                return self.expression(depth) + self.gap() + self.loop(depth - 1)
            given = [self.argument(depth) for _ in range(rng.randrange(0, 4))]
            comma = "," if given and rng.random() < 0.2 else ""
            return (self.space() + "," + self.space()).join(given) + comma

        return self.name() + self.bracketed("(", arguments, ")")

    def argument(self, depth: int) -> str:
        keyword = self.name() + self.rng.choice(["=", " = "]) if self.rng.random() < 0.2 else ""
        return keyword + self.expression(depth)

    def indices(self, depth: int) -> str:
        def inside() -> str:
            given = [self.position(depth) for _ in range(self.rng.choice([1, 1, 2]))]
            return (self.space() + "," + self.space()).join(given)

        return self.bracketed("[", inside, "]")

    def position(self, depth: int) -> str:
        roll = self.rng.random()
        if roll < 0.1:
            return self.rng.choice(LABELS)
        if roll < 0.25:
            return self.slice(depth)
        return self.expression(depth)

    def slice(self, depth: int) -> str:
        sides = [self.rng.choice(["", self.operand(depth - 1)]) for _ in range(2)]
        return sides[0] + ":" + sides[1]


def program(seed: int) -> str:
    return Writer(random.Random(seed)).program()
