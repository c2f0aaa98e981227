"""Imports go one way: every module's imports are read from its text and compared with the layers of the project."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FOUNDATIONS = (
    "ppl.source",
    "ppl.errors",
    "ppl.codes",
    "ppl.types",
    "ppl.graph",
    "ppl.dataset",
    "ppl.catalogue",
)

# layer → (module prefixes that belong to it, prefixes within `ppl` that it may import)
LAYERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "foundations": (FOUNDATIONS, FOUNDATIONS),
    "grammar": (("ppl.grammar",), ("ppl.grammar", "ppl.source", "ppl.errors", "ppl.codes")),
    "compiler": (("ppl.compiler",), ("ppl.compiler", "ppl.grammar", *FOUNDATIONS)),
    "inference": (("ppl.inference",), ("ppl.inference",)),
    "hardware": (("ppl.hardware",), ("ppl.hardware", "ppl.inference", *FOUNDATIONS)),
    "surface": (("ppl",), ("ppl",)),
}

# folder of the compiler → the others that its modules may import. Passes decide about graphs, some of them from what
# expressions of data are worth; what they share with lowering and the density (`passes/program.py`) stands with them.
COMPILER: dict[str, frozenset[str]] = {
    "check": frozenset({"passes"}),
    "passes": frozenset({"check", "binding", "lowering"}),
    "elimination": frozenset(),
    "distributions": frozenset(),
    "lowering": frozenset({"passes"}),
    "binding": frozenset({"check", "passes", "lowering", "density"}),
    "density": frozenset({"passes", "lowering", "distributions", "elimination", "forward"}),
    "forward": frozenset({"passes", "lowering", "density"}),
    "explain": frozenset({"passes", "lowering", "density"}),
}

# Third-party packages that the layers in front of JAX must not need, at import or later.
HEAVY = {"jax", "jaxlib", "numpyro", "arviz", "xarray", "pandas", "scipy"}
JAX_FREE = ("ppl.grammar", *FOUNDATIONS, "ppl.compiler.check")


def modules() -> Iterator[tuple[str, Path]]:
    for folder, prefix in (
        ("ppl", "ppl"),
        ("grammar", "ppl.grammar"),
        ("inference", "ppl.inference"),
        ("hardware", "ppl.hardware"),
    ):
        base = ROOT / folder
        for path in sorted(base.rglob("*.py")):
            relative = path.relative_to(base)
            if folder == "ppl" and relative.parts[0] in ("grammar", "inference", "hardware"):
                continue  # the checkout's links
            parts = [p for p in relative.with_suffix("").parts if p != "__init__"]
            yield ".".join([prefix, *parts]), path


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} uses a relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def under(module: str, prefixes: tuple[str, ...]) -> bool:
    return any(module == p or module.startswith(p + ".") for p in prefixes)


def layer_of(module: str) -> str:
    return next(name for name, (members, _) in LAYERS.items() if under(module, members))


ALL = list(modules())


@pytest.mark.parametrize(("module", "path"), ALL, ids=[m for m, _ in ALL])
def test_imports_stay_in_their_layer(module: str, path: Path) -> None:
    _, allowed = LAYERS[layer_of(module)]
    # `from ppl.x import name` is listed both as ppl.x and ppl.x.name; a package's bare name (`ppl`) says nothing.
    wrong = [i for i in imports(path) if i.startswith("ppl.") and not under(i, allowed)]
    assert not wrong, f"{module} ({layer_of(module)}) imports {wrong}"


def room_of(module: str) -> str:
    """The folder of the compiler that a module is in, empty if it is in none."""
    parts = module.split(".")
    return parts[2] if parts[:2] == ["ppl", "compiler"] and len(parts) > 2 else ""


def test_folders_of_the_compiler_import_what_they_may() -> None:
    assert {room_of(m) for m, _ in ALL} - {""} == set(COMPILER)
    for module, path in ALL:
        if room := room_of(module):
            others = {room_of(i) for i in imports(path)} - {"", room}
            assert others <= COMPILER[room], f"{module} imports from {others - COMPILER[room]}"


@pytest.mark.parametrize(("module", "path"), [(m, p) for m, p in ALL if under(m, JAX_FREE)])
def test_front_end_needs_no_heavy_package(module: str, path: Path) -> None:
    wrong = [i for i in imports(path) if i.split(".")[0] in HEAVY]
    assert not wrong, f"{module} imports {wrong}"


def test_the_check_sees_a_violation() -> None:
    assert not under("ppl.compiler.density.compiled", LAYERS["inference"][1])
    assert not under("ppl.graph", LAYERS["grammar"][1])
    assert layer_of("ppl.catalogue.supports") == "foundations"
    assert layer_of("ppl.cli.main") == "surface"
    assert room_of("ppl.compiler.density.compiled") not in COMPILER[room_of("ppl.compiler.lowering.lower")]
