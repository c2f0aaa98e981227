"""Expressions to text: brackets where precedence needs them or the writer put them, line breaks where they were."""

from __future__ import annotations

from bisect import bisect_left

from ppl.grammar import limits, nodes
from ppl.grammar.build import normalised
from ppl.grammar.tokens import BOOLEANS, KEYWORDS
from ppl.source import Span

# Loosest first. An operand is bracketed if its level is below what its place asks for.
CONDITIONAL, OR, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN, POWER, OPERAND = range(10)
LEVELS = {
    "or": OR, "and": AND, "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "//": PRODUCT, "%": PRODUCT, "@": PRODUCT,
    "^": POWER, "<": COMPARISON, "<=": COMPARISON, ">": COMPARISON, ">=": COMPARISON, "==": COMPARISON,
    "!=": COMPARISON,
}  # fmt: skip
# Written without spaces inside an index: `t-1`, `2*k+1`.
TIGHT = frozenset({"+", "-", "*", "/", "//", "%"})
# Stands for one level of indentation after a line break inside a statement.
LEVEL = "\t"


def level_of(e: nodes.Expr) -> int:
    """How tightly the outermost operator of an expression binds."""
    match e:
        case nodes.Conditional():
            return CONDITIONAL
        case nodes.Binary():
            return LEVELS[e.op]
        case nodes.Unary():
            return NOT if e.op == "not" else SIGN
    return OPERAND


def leading(e: nodes.Expr) -> nodes.Expr | nodes.Name | None:
    """The part that an expression's text begins with, if it is a node of its own."""
    match e:
        case nodes.Conditional():
            return e.then
        case nodes.Binary():
            return e.left
        case nodes.Index() | nodes.Attribute():
            return e.base
        case nodes.Call():
            return e.function
    return None


def quoted(text: str) -> str:
    """A label in the quotes that it does not contain."""
    return f"'{text}'" if '"' in text else f'"{text}"'


def label(name: nodes.Name) -> str:
    """A label of a dim, in quotes unless it reads back as the same name."""
    plain = name.id.isidentifier() and normalised(name.id) == name.id and len(name.id) <= limits.NAME_LENGTH
    return quoted(name.id) if not plain or name.id in KEYWORDS | BOOLEANS else name.id


class Spelling:
    """Spells the expressions of one program. Its source tells where brackets, line breaks and comments stood; a tree
    without a source text comes out on one line with the brackets it needs. `placed`: the comments written so far."""

    def __init__(self, program: nodes.Program) -> None:
        self.text = program.source.text
        self.comments = program.comments
        self.starts = [c.span.start for c in program.comments]
        self.placed: set[int] = set()
        self.depth = 0

    # --- line breaks and comments inside brackets ----------------------------------------------------

    def within(self, start: int, end: int) -> range:
        """The comments of a stretch of the text, by position in `comments`."""
        return range(bisect_left(self.starts, start), bisect_left(self.starts, end))

    def gap(self, start: int, end: int, space: str) -> str:
        """What goes between two parts of a bracket: `space`, or a line break if there was one, with its comments."""
        if self.depth == 0 or start >= end or "\n" not in self.text[start:end]:
            return space
        written = ""
        for i in self.within(start, end):
            comment = self.comments[i]
            self.placed.add(i)
            same_line = "\n" not in self.text[start : comment.span.start]
            written += ("  " if same_line else "\n" + LEVEL * self.depth) + comment.text.rstrip()
        return written + "\n" + LEVEL * self.depth

    def bracket(self, opening: str, closing: str, parts: list[tuple[str, Span]], start: int, end: int) -> str:
        """Parts between brackets. start: just after the opening one; end: just before the closing one. The parts were
        spelled one level deeper already."""
        written = opening
        at = start
        for i, (text, span) in enumerate(parts):
            self.depth += 1
            written += ("," if i else "") + self.gap(at, span.start, " " if i else "") + text
            self.depth -= 1
            at = span.end
        return written + self.closing_gap(at, end) + closing

    def closing_gap(self, start: int, end: int) -> str:
        """The gap before a closing bracket: comments belong to the inside, the bracket itself to the outside."""
        self.depth += 1
        gap = self.gap(start, end, "")
        self.depth -= 1
        return gap.removesuffix(LEVEL) if gap else gap

    def deeper(self, e: nodes.Expr | nodes.Slice, index: bool = False) -> str:
        """A part of a bracket. index: whether it is one of an index."""
        self.depth += 1
        text = self.position(e) if index or isinstance(e, nodes.Slice) else self.expression(e, CONDITIONAL)
        self.depth -= 1
        return text

    # --- expressions ---------------------------------------------------------------------------------

    def bracketed(self, e: nodes.Expr) -> bool:
        """Whether the writer put the expression in brackets: its span takes them in."""
        start, end = e.span.start, e.span.end
        if end - start < 2 or self.text[start : start + 1] != "(" or self.text[end - 1 : end] != ")":
            return False
        first = leading(e)
        return first is None or first.span.start > start

    def expression(self, e: nodes.Expr, needed: int, tight: bool = False) -> str:
        """needed: the loosest level that can stand here unbracketed; tight: directly inside an index."""
        kept = self.bracketed(e)
        if not kept and level_of(e) >= needed:
            return self.bare(e, tight)
        self.depth += 1
        inside = self.bare(e, False)
        first, last = (self.inner_edges(e)) if kept else (e.span.start, e.span.end)
        opening = self.gap(e.span.start + 1, first, "") if kept else ""
        self.depth -= 1
        closing = self.closing_gap(last, e.span.end - 1) if kept else ""
        return "(" + opening + inside + closing + ")"

    def inner_edges(self, e: nodes.Expr) -> tuple[int, int]:
        """Where a bracketed expression begins and ends inside its brackets, however many there are."""
        first_part = leading(e)
        limit = e.span.end if first_part is None else first_part.span.start
        at, brackets = e.span.start, 0
        while at < limit and (self.text[at] in "(#" or self.text[at].isspace()):
            if self.text[at] == "#":
                at = self.comments[self.within(at, at + 1)[0]].span.end
            else:
                brackets += self.text[at] == "("
                at += 1
        last = self.text_end(e.span.end)
        for _ in range(brackets):
            last = self.text_end(last - 1)
        return at, last

    def text_end(self, at: int) -> int:
        """Where the text before a place ends, spaces and comments left out."""
        while at > 0:
            if self.text[at - 1].isspace():
                at -= 1
                continue
            i = bisect_left(self.starts, at) - 1
            if i < 0 or self.comments[i].span.end < at:
                break
            at = self.comments[i].span.start
        return at

    def bare(self, e: nodes.Expr, tight: bool) -> str:
        """An expression without brackets around it. tight: directly inside an index."""
        match e:
            case nodes.Number():
                return e.text
            case nodes.Boolean():
                return "true" if e.value else "false"
            case nodes.Text():
                return quoted(e.value)
            case nodes.Name():
                return e.id
            case nodes.Index():
                return self.expression(e.base, OPERAND) + self.indices(e.indices, e.base.span.end, e)
            case nodes.Attribute():
                base = self.expression(e.base, OPERAND)
                return (f"({base})" if isinstance(e.base, nodes.Number) and base[-1] != ")" else base) + f".{e.name.id}"
            case nodes.Unary():
                operand = self.expression(e.operand, NOT if e.op == "not" else SIGN, tight)
                return e.op + (" " if e.op == "not" else "") + operand
            case nodes.Binary():
                return self.binary(e, tight)
            case nodes.Conditional():
                then, test = self.expression(e.then, OR), self.expression(e.test, OR)
                first = self.gap(e.then.span.end, e.test.span.start, " ")
                second = self.gap(e.test.span.end, e.otherwise.span.start, " ")
                return f"{then}{first}if {test}{second}else {self.expression(e.otherwise, CONDITIONAL)}"
            case nodes.Call():
                return self.call(e)

    def binary(self, e: nodes.Binary, tight: bool) -> str:
        level = LEVELS[e.op]
        # Left-associative, except comparisons, which do not chain, and powers, which associate to the right.
        left_level = {COMPARISON: SUM, POWER: OPERAND}.get(level, level)
        right_level = SIGN if level == POWER else level + 1
        space = "" if e.op == "^" or (tight and e.op in TIGHT) else " "
        left = self.expression(e.left, left_level, tight)
        right = self.expression(e.right, right_level, tight)
        return left + self.gap(e.left.span.end, e.right.span.start, space) + e.op + space + right

    def call(self, e: nodes.Call) -> str:
        parts = [(self.argument(a), a.span) for a in e.arguments]
        start, end = e.function.span.end, self.unbracketed_end(e)
        if e.loop is not None and parts:
            body, span = parts[0]
            self.depth += 1
            loop = self.gap(span.end, e.loop.span.start, " ") + self.loop(e.loop)
            self.depth -= 1
            parts = [(body + loop, span.to(e.loop.span))]
        return e.function.id + self.bracket("(", ")", parts, start, end - 1)

    def unbracketed_end(self, e: nodes.Call | nodes.Index) -> int:
        """Where a call or an index ends without the brackets around it."""
        return self.inner_edges(e)[1] if self.bracketed(e) else e.span.end

    def argument(self, a: nodes.Argument) -> str:
        return (f"{a.name.id}=" if a.name else "") + self.deeper(a.value)

    def indices(self, indices: tuple[nodes.Expr | nodes.Slice, ...], start: int, whole: nodes.Index) -> str:
        parts = [(self.deeper(i, index=True), i.span) for i in indices]
        return self.bracket("[", "]", parts, start, self.unbracketed_end(whole) - 1)

    def target(self, t: nodes.Target) -> str:
        if not t.indices:
            return t.name.id
        parts = [(self.deeper(i, index=True), i.span) for i in t.indices]
        return t.name.id + self.bracket("[", "]", parts, t.name.span.end, t.span.end - 1)

    def position(self, e: nodes.Expr | nodes.Slice) -> str:
        if isinstance(e, nodes.Slice):
            start = self.expression(e.start, CONDITIONAL, tight=True) if e.start is not None else ""
            stop = self.expression(e.stop, CONDITIONAL, tight=True) if e.stop is not None else ""
            return f"{start}:{stop}"
        return self.expression(e, CONDITIONAL, tight=True)

    def loop(self, loop: nodes.Loop) -> str:
        bindings = ", ".join(
            f"{b.name.id} in {b.dim.id}" + (f"[{self.position(b.range)}]" if b.range is not None else "")
            for b in loop.bindings
        )
        condition = f" if {self.expression(loop.condition, CONDITIONAL)}" if loop.condition is not None else ""
        return f"for {bindings}{condition}"
