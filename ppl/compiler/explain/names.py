"""Names of quantities as mathematics writes them: Greek letters, and what follows them as a subscript."""

from __future__ import annotations

import re

_LETTERS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ",
    "iota": "ι", "kappa": "κ", "lambda": "λ", "lam": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ",
    "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Upsilon": "Υ",
    "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
_COMMANDS = {letter: name for name, letter in _LETTERS.items() if name != "lam"}
_PARTS = re.compile(r"(_*[^\W\d_]+)_?(.*)", re.DOTALL)
_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$",
    "^": r"\^{}", "~": r"\~{}",
}  # fmt: skip


def in_text(name: str) -> str:
    """`sigma_y` is σ_y, `phi1` is φ1; a name that is not a Greek letter's stays as it is."""
    match = _PARTS.fullmatch(name)
    if match is None or match[1] not in _LETTERS:
        return name
    return _LETTERS[match[1]] + name[len(match[1]) :]


def in_latex(name: str) -> tuple[str, str]:
    r"""The letter or word and its subscript, if it has one: `sigma_y` is \\sigma and \\mathrm{y}."""
    base = name.rstrip("′")
    primes = "'" * (len(name) - len(base))
    match = _PARTS.fullmatch(base)
    letter = None if match is None else _LETTERS.get(match[1], match[1] if len(match[1]) == 1 else None)
    if match is None or letter is None:
        return word(base) + primes, ""
    return _letter(letter) + primes, word(match[2]) if match[2] else ""


def _letter(letter: str) -> str:
    if letter in _COMMANDS:
        # A few Greek letters look like Latin ones, and LaTeX has no command for them.
        return {"ο": "o", "Υ": r"\Upsilon"}.get(letter, "\\" + _COMMANDS[letter])
    return letter if letter.isascii() else word(letter)


def word(text: str) -> str:
    r"""Upright text inside a formula, with what LaTeX would obey escaped."""
    escaped = "".join(_SPECIAL.get(c, c) for c in text)
    return escaped if text.isdigit() else rf"\text{{{escaped}}}"
