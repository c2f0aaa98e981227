"""The checker: syntax tree to model graph, with every error of the program in one run."""

from ppl.compiler.check.driver import Checked, check
from ppl.compiler.check.sizes import check_sizes

__all__ = ["Checked", "check", "check_sizes"]
