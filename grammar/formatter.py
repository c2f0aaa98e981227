"""Tree to text, in the one layout that `ppl fmt` writes.

One statement a line; `~` and `=` aligned over statements on adjacent lines, and so are their loops, the colons of
energies and trailing comments. Comments, single blank lines, brackets and line breaks inside brackets stay.
Formatting twice gives the same text as formatting once, and the text parses to the same tree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ppl.errors import display_width
from ppl.grammar import nodes
from ppl.grammar.spelling import CONDITIONAL, LEVEL, SUM, Spelling, label
from ppl.source import Span

INDENT = "    "
BLANK = re.compile(r"\n[ \t\r]*\n")


@dataclass(frozen=True)
class Row:
    """One line of output, or several if `right` holds line breaks.

    kind: rows of one kind on adjacent lines align, "" never does. left: up to the sign that is aligned; right: from
    it; loop: `for ...` at the end; comment: behind everything; after_blank: a blank line stands before."""

    left: str
    right: str = ""
    loop: str = ""
    kind: str = ""
    comment: str = ""
    indent: int = 0
    after_blank: bool = False

    @property
    def single(self) -> bool:
        return "\n" not in self.left and "\n" not in self.right and "\n" not in self.loop


@dataclass(frozen=True)
class Entry:
    """Something that takes rows of its own: a statement, or a line of a function."""

    span: Span
    rows: Callable[[int], list[Row]]


def format_program(program: nodes.Program) -> str:
    """The text of a program. Linear in its length."""
    formatter = Formatter(program)
    entries = [Entry(s.span, formatter.rows_of(s)) for s in program.statements]
    rows = formatter.lay_out(entries, 0, len(program.source.text) + 1, 0)
    return "".join(line + "\n" for line in written(aligned(rows)))


class Formatter:
    """Lays out the statements and comments of one program as rows."""

    def __init__(self, program: nodes.Program) -> None:
        self.text = program.source.text
        self.spelling = Spelling(program)

    # --- statements and comments in order ------------------------------------------------------------

    def lay_out(self, entries: list[Entry], start: int, end: int, indent: int) -> list[Row]:
        """Rows of the entries and comments of a stretch of text."""
        rows: list[Row] = []
        at = start
        for entry in entries:
            first = entry.span.start
            rows += self.comment_rows(at, first, indent, rows)
            blank = self.blank_before(at, first, bool(rows))
            own = entry.rows(indent)
            inner = [i for i in self.spelling.within(first, entry.span.end) if i not in self.spelling.placed]
            rows += [self.comment_row(i, indent, False) for i in inner]
            rows.append(replace(own[0], after_blank=blank and not inner))
            rows += own[1:]
            at = entry.span.end
        return rows + self.comment_rows(at, end, indent, rows)

    def comment_rows(self, start: int, end: int, indent: int, before: list[Row]) -> list[Row]:
        """The comments of a gap: the first may trail the row before it, the others have lines of their own."""
        rows: list[Row] = []
        at = start
        for i in self.spelling.within(start, end):
            comment = self.spelling.comments[i]
            if i in self.spelling.placed:
                continue
            if not rows and before and "\n" not in self.text[start : comment.span.start]:
                self.spelling.placed.add(i)
                before[-1] = replace(before[-1], comment=comment.text.rstrip())
            else:
                rows.append(
                    self.comment_row(i, indent, self.blank_before(at, comment.span.start, bool(before or rows)))
                )
            at = comment.span.end
        return rows

    def comment_row(self, i: int, indent: int, blank: bool) -> Row:
        self.spelling.placed.add(i)
        return Row(self.spelling.comments[i].text.rstrip(), indent=indent, after_blank=blank)

    def blank_before(self, start: int, end: int, before: bool) -> bool:
        comments = self.spelling.within(start, end)
        if comments:
            start = self.spelling.comments[comments[-1]].span.end
        return before and BLANK.search(self.text, max(start, 0), max(end, 0)) is not None

    # --- one statement -------------------------------------------------------------------------------

    def rows_of(self, s: nodes.Statement) -> Callable[[int], list[Row]]:
        return lambda indent: [replace(r, indent=r.indent + indent) for r in self.statement(s)]

    def statement(self, s: nodes.Statement) -> list[Row]:
        spell = self.spelling
        match s:
            case nodes.ModelTitle():
                return [Row(f"model {s.name.id}")]
            case nodes.Use():
                return [Row(f"use {s.library.id}")]
            case nodes.DimDeclaration():
                return [Row("dim " + ", ".join(self.dim(item) for item in s.items))]
            case nodes.DataDeclaration():
                return [Row("data " + ", ".join(self.declared(item) for item in s.items))]
            case nodes.VarDeclaration():
                return [Row("var " + ", ".join(self.declared(item) for item in s.items))]
            case nodes.Sample():
                return [self.relation(s.targets, "~", s.distribution, s.loop)]
            case nodes.Assign():
                return [self.relation(s.targets, "=", s.value, s.loop)]
            case nodes.Predict():
                return [self.relation(s.targets, "~", s.distribution, s.loop, "predict ")]
            case nodes.Observe():
                return [self.relation((s.target,), "=", s.value, None, "observe ")]
            case nodes.Energy():
                value = spell.expression(s.value, CONDITIONAL)
                mark = " unnormalised" if s.unnormalised else ""
                return [Row(f"energy {s.name.id}{mark}:", value, self.loop(s.loop), "energy")]
            case nodes.FunctionDefinition():
                return self.function(s)
            case nodes.ForBlock():
                head = spell.loop(s.loop)
                entries = [Entry(inner.span, self.rows_of(inner)) for inner in s.body]
                return self.block(head, entries, s.loop.span.end, s.span.end)

    def relation(
        self,
        targets: tuple[nodes.Target, ...],
        sign: str,
        value: nodes.Expr,
        loop: nodes.Loop | None,
        word: str = "",
    ) -> Row:
        left = word + ", ".join(self.spelling.target(t) for t in targets)
        return Row(left, f"{sign} {self.spelling.expression(value, CONDITIONAL)}", self.loop(loop), "relation")

    def loop(self, loop: nodes.Loop | None) -> str:
        return self.spelling.loop(loop) if loop is not None else ""

    def dim(self, item: nodes.DimItem) -> str:
        text = item.name.id
        if item.size is not None:
            text += f" = {item.size}"
        if item.labels is not None:
            parts = [(label(name), name.span) for name in item.labels]
            end = self.find("}", item.labels[-1].span.end) if item.labels else item.span.end
            text += " = " + self.spelling.bracket("{", "}", parts, item.name.span.end, end)
        return text + (" ordered" if item.ordered else "")

    def declared(self, item: nodes.Declared) -> str:
        text = item.name.id
        if item.axes:
            text += "[" + ", ".join(axis.id for axis in item.axes) + "]"
        if item.missing:
            text += "?"
        if item.type is not None:
            text += f" : {item.type.name.id}" + (f" from {item.type.first}" if item.type.first else "")
        if item.bounds is not None:
            text += " " + self.bounds(item.bounds)
        return text

    def bounds(self, bounds: nodes.Bounds) -> str:
        spell = self.spelling.expression
        if bounds.lower is not None and bounds.upper is not None:
            return f"in [{spell(bounds.lower, CONDITIONAL)}, {spell(bounds.upper, CONDITIONAL)}]"
        equal = "" if bounds.strict else "="
        if bounds.lower is not None:
            return f">{equal} {spell(bounds.lower, SUM)}"
        return f"<{equal} {spell(bounds.upper, SUM)}" if bounds.upper is not None else ""

    def function(self, s: nodes.FunctionDefinition) -> list[Row]:
        head = f"def {s.name.id}({', '.join(p.id for p in s.parameters)})"
        after = s.parameters[-1].span.end if s.parameters else s.name.span.end
        # One line stays one line; a block stays a block, if only because it may hold comments.
        if not s.locals and self.text[s.span.end - 1 : s.span.end] != "}":
            return [Row(f"{head} = {self.spelling.expression(s.value, CONDITIONAL)}")]
        entries = [Entry(one.span, self.local(one)) for one in s.locals]
        entries.append(Entry(s.value.span, self.returned(s.value)))
        return self.block(head, entries, after, s.span.end)

    def local(self, one: nodes.Local) -> Callable[[int], list[Row]]:
        def rows(indent: int) -> list[Row]:
            value = self.spelling.expression(one.value, CONDITIONAL)
            return [Row(one.name.id, f"= {value}", "", "relation", indent=indent)]

        return rows

    def returned(self, value: nodes.Expr) -> Callable[[int], list[Row]]:
        return lambda indent: [Row(f"return {self.spelling.expression(value, CONDITIONAL)}", indent=indent)]

    def block(self, head: str, entries: list[Entry], after: int, end: int) -> list[Row]:
        """A head with its brace, entries one level deeper, the closing brace."""
        opening = self.find("{", after) + 1
        first = Row(head + " {")
        rows = self.lay_out(entries, opening, end - 1, 1) if opening > 0 else []
        if not opening:
            rows = [row for entry in entries for row in entry.rows(1)]
        for i in self.spelling.within(opening, entries[0].span.start if entries else end):
            comment = self.spelling.comments[i]
            if "\n" not in self.text[opening : comment.span.start]:
                first = replace(first, comment=comment.text.rstrip())
                rows = rows[1:]
        if rows:
            rows[0] = replace(rows[0], after_blank=False)
        return [first, *rows, Row("}")]

    def find(self, sign: str, start: int) -> int:
        """The next place of a sign outside comments, -1 if there is none."""
        at = self.text.find(sign, start)
        while at >= 0:
            comments = self.spelling.comments
            around = self.spelling.within(0, at + 1)
            if not around or comments[around[-1]].span.end <= at:
                return at
            at = self.text.find(sign, comments[around[-1]].span.end)
        return -1


# --- columns -----------------------------------------------------------------------------------------


def runs(rows: list[Row], belongs: Callable[[Row], str]) -> Iterator[list[int]]:
    """Positions of adjacent rows of one indentation for which `belongs` says the same, where it says something."""
    run: list[int] = []
    for i, row in enumerate(rows):
        kind = belongs(row)
        if run and (row.after_blank or row.indent != rows[run[0]].indent or kind != belongs(rows[run[0]])):
            yield run
            run = []
        if kind:
            run.append(i)
    if run:
        yield run


def aligned(rows: list[Row]) -> list[Row]:
    """Rows with their columns filled up: signs, then loops, then comments."""
    rows = rows.copy()
    for run in list(runs(rows, lambda r: r.kind if r.single else "")):
        width = max(display_width(rows[i].left) for i in run)
        for i in run:
            padding = " " * (width - display_width(rows[i].left) + 1)
            rows[i] = replace(rows[i], left=rows[i].left + padding + rows[i].right, right="")
        looped = [i for i in run if rows[i].loop]
        width = max((display_width(rows[i].left) for i in looped), default=0)
        for i in looped:
            padding = " " * (width - display_width(rows[i].left) + 2)
            rows[i] = replace(rows[i], left=rows[i].left + padding + rows[i].loop, loop="")
    rows = [joined(r) for r in rows]
    for run in list(runs(rows, lambda r: "comment" if r.comment and r.single else "")):
        width = max(display_width(rows[i].left) for i in run)
        for i in run:
            padding = " " * (width - display_width(rows[i].left) + 2)
            rows[i] = replace(rows[i], left=rows[i].left + padding + rows[i].comment, comment="")
    return [replace(r, left=r.left + (f"  {r.comment}" if r.comment else ""), comment="") for r in rows]


def joined(row: Row) -> Row:
    """A row whose columns are not aligned with those around it, on one line."""
    text = " ".join(part for part in (row.left, row.right) if part)
    return replace(row, left=text + (f"  {row.loop}" if row.loop else ""), right="", loop="")


def written(rows: list[Row]) -> Iterator[str]:
    """The lines of rows, indented, with their blank lines."""
    for row in rows:
        if row.after_blank:
            yield ""
        for line in row.left.split("\n"):
            text = line.lstrip(LEVEL)
            yield (INDENT * (row.indent + len(line) - len(text)) + text).rstrip()
