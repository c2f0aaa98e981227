"""The wheel holds exactly the tree: every module and data file of the four code folders, under the one name `ppl`."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = {"ppl": "ppl", "grammar": "ppl/grammar", "inference": "ppl/inference", "hardware": "ppl/hardware"}


def tracked() -> list[str]:
    """Files under version control or new, not ignored; outside a repository, every file."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *FOLDERS],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listing.returncode == 0:
        return [f for f in listing.stdout.splitlines() if (ROOT / f).is_file()]
    return [str(p.relative_to(ROOT)) for d in FOLDERS for p in (ROOT / d).rglob("*") if p.is_file()]


def test_wheel_equals_tree(tmp_path: Path) -> None:
    # A copy of the tree, so that leftovers of earlier builds cannot hide a missing file.
    copy = tmp_path / "tree"
    for name in [*tracked(), "pyproject.toml", "README.md"]:
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", tmp_path, copy],
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {n for n in archive.namelist() if ".dist-info/" not in n}
    expected = set()
    for name in tracked():
        folder, _, rest = name.partition("/")
        expected.add(f"{FOLDERS[folder]}/{rest}")
    assert packed == expected
    assert {n.split("/")[0] for n in packed} == {"ppl"}


def test_checkout_links_lead_to_the_folders() -> None:
    for name in ("grammar", "inference", "hardware"):
        link = ROOT / "ppl" / name
        assert link.resolve() == ROOT / name
