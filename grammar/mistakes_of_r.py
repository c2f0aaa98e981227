"""First mistakes of people who come from R and BUGS."""

from __future__ import annotations

from ppl.errors import Diagnostic
from ppl.grammar.failure import Failure


def arrow(f: Failure) -> Diagnostic | None:
    """`mu <- 3`, `x <<- 1`."""
    i = f.position
    if f.word(i) == "<" and f.word(i + 1) == "<" and f.word(i + 2) == "-":
        end = i + 3
    elif f.word(i) == "<" and f.word(i + 1) == "-" and f.adjacent(i):
        end = i + 2
    else:
        return right_arrow(f)
    name, value = f.text(0, i), f.text(end)
    drawn = f.word(end)[:1].isupper() and f.type(end + 1) == "LPAR"
    random = f"if it is drawn from a distribution: `{name} ~ {value}`"
    computed = f"if it is computed: `{name} = {value}`"
    hints = (random,) if drawn else (computed, f"if it has a distribution: `{name} ~ ...`")
    return f.error("E015", "`<-` does not define anything", f.span(i, end), "", *hints)


def right_arrow(f: Failure) -> Diagnostic | None:
    """`3 -> mu`."""
    if f.first.type == "DEF":
        return None
    for i in range(len(f.tokens) - 1):
        if f.word(i) == "-" and f.word(i + 1) == ">" and f.adjacent(i) and f.position <= i + 1:
            hint = f"write `{f.text(i + 2)} = {f.text(0, i)}`"
            return f.error("E015", "`->` does not define anything", f.span(i, i + 2), "", hint)
    return None


def matrix_product(f: Failure) -> Diagnostic | None:
    """`x = A %*% B`."""
    i = f.position
    if f.word(i - 1) == "%" and f.type(i - 1) == "FACTOR" and f.adjacent(i - 1) and f.word(i) in ("*", "in", "o"):
        operator = f"%{f.word(i)}%"
        hint = "a product of matrices is `A @ B`" if f.word(i) == "*" else "there is no such operator"
        return f.error("E019", f"`{operator}` is an operator of R", f.span(i - 1, min(i + 2, len(f.tokens))), "", hint)
    return None


def numeric_loop(f: Failure) -> Diagnostic | None:
    """`for (i in 1:N) {`, `for i in 1:N`, `for i in range(N):`, `for i = 1:10`."""
    loop = f.find("FOR")
    if loop < 0 or f.position <= loop:
        return None
    i = loop + 1
    if f.type(i) == "LPAR":
        i += 1
    if f.type(i) != "NAME" or f.position > i + 4:
        return None
    name = f.word(i)
    over = i + 2 if f.word(i + 1) in ("in", "=") else -1
    end = next((j for j in range(over, len(f.tokens)) if f.type(j) in ("LBRACE", "COLON") and j > over + 2), None)
    numbers = over > 0 and f.type(over) == "INT"
    if not numbers and f.word(over) not in ("range", "seq_len", "seq_along", "seq", "enumerate"):
        if f.type(loop + 1) == "LPAR":
            hint = f"write `for {name} in obs {{`"
            return f.error("E016", "a `for` has no parentheses", f.span(loop, i + 1), "", hint)
        return None
    return f.error(
        "E016",
        "a loop runs over a dim, not over numbers",
        f.span(loop, end or len(f.tokens)),
        "",
        "often no loop is needed, a dim's own name stands for each element: `y[obs] ~ Normal(mu[obs], sigma)`",
        f"else name the dim: `for {name} in obs {{ ... }}`; part of an ordered dim is `for t in time[1:]`",
    )


def dotted_name(f: Failure) -> Diagnostic | None:
    """`sigma.y ~ HalfNormal(1)`."""
    if f.type(f.position) != "DOT" or f.has_value or f.type(f.position - 1) != "NAME":
        return None
    end = f.position
    while f.type(end) == "DOT" and f.type(end + 1) == "NAME":
        end += 2
    name = f.text(f.position - 1, end)
    hint = f"write `{name.replace('.', '_')}`" if end > f.position else ""
    return f.error("E043", "a name has no dots", f.span(f.position - 1, max(end, f.position + 1)), "", hint)
