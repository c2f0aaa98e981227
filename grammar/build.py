"""Tree building: one method a rule or alias of ppl.lark, called bottom-up by the parser with the rule's parts.

Nothing here recurses or fails; whatever the grammar accepts has a node.
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Any

from lark import Token

from ppl.grammar import nodes
from ppl.source import Span

Parts = list[Any]


def normalised(name: str) -> str:
    """A name as it is compared: NFKC, so that the two ways to write `µ` or `é` are one name."""
    return unicodedata.normalize("NFKC", str(name))


def span_of(part: Any) -> Span:
    """Where a token or a node stands."""
    return Span(part.start_pos or 0, part.end_pos or 0) if isinstance(part, Token) else part.span


def name_of(token: Token) -> nodes.Name:
    """A token as a name, in normal form."""
    return nodes.Name(normalised(token), span_of(token))


def label_of(token: Token) -> nodes.Name:
    """A name, or quoted text without its quotes, which is kept as written."""
    return nodes.Name(str(token[1:-1]), span_of(token)) if token.type == "STRING" else name_of(token)


def names_of(parts: Parts) -> tuple[nodes.Name, ...]:
    """Tokens as names; absent parts are left out."""
    return tuple(name_of(p) for p in parts if p is not None)


def covering(parts: Parts) -> Span:
    """From the first part that is there to the last."""
    there = [p for p in parts if p is not None]
    return Span(span_of(there[0]).start, span_of(there[-1]).end)


class Builder:
    # --- statements ----------------------------------------------------------------------------------

    """A method for each rule and alias of ppl.lark, which the grammar's text explains."""

    def model(self, p: Parts) -> nodes.ModelTitle:
        return nodes.ModelTitle(name_of(p[1]), covering(p))

    def use(self, p: Parts) -> nodes.Use:
        return nodes.Use(name_of(p[1]), covering(p))

    def dims(self, p: Parts) -> nodes.DimDeclaration:
        return nodes.DimDeclaration(tuple(p[1:]), covering(p))

    def dim_open(self, p: Parts) -> nodes.DimItem:
        return nodes.DimItem(name_of(p[0]), None, None, p[1] is not None, covering(p))

    def dim_sized(self, p: Parts) -> nodes.DimItem:
        return nodes.DimItem(name_of(p[0]), int(p[1]), None, p[2] is not None, covering(p))

    def dim_labelled(self, p: Parts) -> nodes.DimItem:
        return nodes.DimItem(name_of(p[0]), None, p[1], p[3] is not None, covering(p))

    def labels(self, p: Parts) -> tuple[nodes.Name, ...]:
        return tuple(label_of(t) for t in p)

    def data(self, p: Parts) -> nodes.DataDeclaration:
        return nodes.DataDeclaration(tuple(p[1:]), covering(p))

    def vars(self, p: Parts) -> nodes.VarDeclaration:
        return nodes.VarDeclaration(tuple(p[1:]), covering(p))

    def declared(self, p: Parts) -> nodes.Declared:
        name, axes, missing, type_, bounds = p
        last = bounds or type_ or missing or (axes and axes[-1]) or name
        return nodes.Declared(
            name_of(name),
            names_of(axes[:-1]) if axes else (),
            missing is not None,
            type_,
            bounds,
            Span(name.start_pos, span_of(last).end),
        )

    def axes(self, p: Parts) -> Parts:
        """The names and, last, the closing bracket."""
        return p

    def type_plain(self, p: Parts) -> nodes.TypeName:
        return nodes.TypeName(name_of(p[0]), 0, span_of(p[0]))

    def type_counted(self, p: Parts) -> nodes.TypeName:
        return nodes.TypeName(name_of(p[0]), int(p[2]), covering(p))

    def bounds_one(self, p: Parts) -> nodes.Bounds:
        operator, value = p
        lower = operator[0] == ">"
        return nodes.Bounds(value if lower else None, None if lower else value, len(operator) == 1, covering(p))

    def bounds_both(self, p: Parts) -> nodes.Bounds:
        return nodes.Bounds(p[0], p[1], False, covering(p))

    def sample(self, p: Parts) -> nodes.Sample:
        targets, distribution, loop = p
        return nodes.Sample(targets, distribution, loop, covering([targets[0], distribution, loop]))

    def assign(self, p: Parts) -> nodes.Assign:
        targets, value, loop = p
        return nodes.Assign(targets, value, loop, covering([targets[0], value, loop]))

    def predict(self, p: Parts) -> nodes.Predict:
        keyword, targets, distribution, loop = p
        return nodes.Predict(targets, distribution, loop, covering([keyword, distribution, loop]))

    def energy(self, p: Parts) -> nodes.Energy:
        _, name, unnormalised, value, loop = p
        return nodes.Energy(name_of(name), unnormalised is not None, value, loop, covering(p))

    def observe(self, p: Parts) -> nodes.Observe:
        return nodes.Observe(p[1], p[2], covering(p))

    def targets(self, p: Parts) -> tuple[nodes.Target, ...]:
        return tuple(p)

    def target_whole(self, p: Parts) -> nodes.Target:
        return nodes.Target(name_of(p[0]), (), span_of(p[0]))

    def target_part(self, p: Parts) -> nodes.Target:
        return nodes.Target(name_of(p[0]), p[1], covering([p[0], p[2]]))

    def define_short(self, p: Parts) -> nodes.FunctionDefinition:
        keyword, name, parameters, value = p
        return nodes.FunctionDefinition(name_of(name), parameters, (), value, covering([keyword, value]))

    def define_block(self, p: Parts) -> nodes.FunctionDefinition:
        keyword, name, parameters, *locals_, value, end = p
        return nodes.FunctionDefinition(name_of(name), parameters, tuple(locals_), value, covering([keyword, end]))

    def parameters(self, p: Parts) -> tuple[nodes.Name, ...]:
        return names_of(p)

    def local(self, p: Parts) -> nodes.Local:
        return nodes.Local(name_of(p[0]), p[1], covering(p))

    def returned(self, p: Parts) -> nodes.Expr:
        value: nodes.Expr = p[1]
        return value

    def block(self, p: Parts) -> nodes.ForBlock:
        loop, *body, end = p
        return nodes.ForBlock(loop, tuple(s for s in body if s is not None), covering([loop, end]))

    def loop(self, p: Parts) -> nodes.Loop:
        _, *bindings, condition = p
        return nodes.Loop(tuple(bindings), condition, covering(p))

    def binding_whole(self, p: Parts) -> nodes.Binding:
        return nodes.Binding(name_of(p[0]), name_of(p[1]), None, covering(p))

    def binding_part(self, p: Parts) -> nodes.Binding:
        return nodes.Binding(name_of(p[0]), name_of(p[1]), p[2], covering(p))

    # --- expressions ---------------------------------------------------------------------------------

    def conditional(self, p: Parts) -> nodes.Conditional:
        return nodes.Conditional(p[0], p[1], p[2], covering(p))

    def binary(self, p: Parts) -> nodes.Binary:
        left, operator, right = p
        return nodes.Binary(str(operator), left, right, Span(left.span.start, right.span.end))

    def unary(self, p: Parts) -> nodes.Unary:
        return nodes.Unary(str(p[0]), p[1], covering(p))

    def index(self, p: Parts) -> nodes.Index:
        return nodes.Index(p[0], p[1], covering([p[0], p[2]]))

    def attribute(self, p: Parts) -> nodes.Attribute:
        return nodes.Attribute(p[0], name_of(p[1]), covering(p))

    def integer(self, p: Parts) -> nodes.Number:
        return nodes.Number(int(p[0]), str(p[0]), span_of(p[0]))

    def decimal(self, p: Parts) -> nodes.Number:
        return nodes.Number(float(p[0]), str(p[0]), span_of(p[0]))

    def true(self, p: Parts) -> nodes.Boolean:
        return nodes.Boolean(True, span_of(p[0]))

    def false(self, p: Parts) -> nodes.Boolean:
        return nodes.Boolean(False, span_of(p[0]))

    def name(self, p: Parts) -> nodes.Name:
        return name_of(p[0])

    def call(self, p: Parts) -> nodes.Call:
        name, *arguments, end = p
        given = tuple(a for a in arguments if a is not None)
        return nodes.Call(name_of(name), given, None, covering([name, end]))

    def reduction(self, p: Parts) -> nodes.Call:
        name, body, loop, end = p
        argument = nodes.Argument(None, body, body.span)
        return nodes.Call(name_of(name), (argument,), loop, covering([name, end]))

    def group(self, p: Parts) -> nodes.Expr:
        """The expression inside, with a span that takes in its brackets."""
        inner: nodes.Expr = replace(p[1], span=covering([p[0], p[2]]))
        return inner

    def positional(self, p: Parts) -> nodes.Argument:
        return nodes.Argument(None, p[0], p[0].span)

    def keyword(self, p: Parts) -> nodes.Argument:
        return nodes.Argument(name_of(p[0]), p[1], covering(p))

    def indices(self, p: Parts) -> tuple[nodes.Expr | nodes.Slice, ...]:
        return tuple(p)

    def text(self, p: Parts) -> nodes.Text:
        return nodes.Text(str(p[0][1:-1]), span_of(p[0]))

    def slice(self, p: Parts) -> nodes.Slice:
        return nodes.Slice(p[0], p[2], covering(p))
