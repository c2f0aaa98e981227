"""First mistakes of people who come from other languages, each with its own message and fix.

A recogniser looks at a line that did not parse and answers with a diagnostic, or None if the mistake is another.
The first answer counts, so their order matters.
"""

from __future__ import annotations

from ppl.errors import Diagnostic
from ppl.grammar.failure import Failure
from ppl.grammar.mistakes_of_python import (
    anonymous_function,
    branch_statement,
    chained_comparison,
    comparison_statement,
    foreign_operator,
    imports,
    literal_list,
    loop_over_several,
    module_call,
    python_def,
    python_loop,
    ternary,
    text_value,
)
from ppl.grammar.mistakes_of_r import arrow, dotted_name, matrix_product, numeric_loop
from ppl.grammar.mistakes_of_stan import (
    elementwise_operator,
    stan_block,
    stan_declaration,
    target_update,
    truncation_suffix,
)

RECOGNISERS = (
    stan_block,
    stan_declaration,
    target_update,
    truncation_suffix,
    elementwise_operator,
    arrow,
    matrix_product,
    numeric_loop,
    python_loop,
    comparison_statement,
    foreign_operator,
    imports,
    anonymous_function,
    python_def,
    dotted_name,
    module_call,
    chained_comparison,
    text_value,
    branch_statement,
    loop_over_several,
    ternary,
    literal_list,
)


def recognise(f: Failure) -> Diagnostic | None:
    """The message of the first recogniser that knows the mistake, None if none does."""
    for recogniser in RECOGNISERS:
        diagnostic = recogniser(f)
        if diagnostic is not None:
            return diagnostic
    return None
