"""Results on disk: netCDF, written whole or not at all, and read back."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppl.data.files import missing_file
from ppl.errors import Diagnostic, Exit, PplError

if TYPE_CHECKING:  # xarray takes half a second, and looking whether a file may be written does not need it
    import xarray as xr

    from ppl.results.container import Groups

_ENDINGS = (".nc", ".nc4", ".netcdf")
_MAGIC = b"\x89HDF\r\n\x1a\n"


def check_writable(path: Path, force: bool, inputs: Iterable[Path] = ()) -> None:
    """Before a run: the file may be made (or replaced), and its folder takes files.

    Raises:
        PplError: it is one of the inputs, or a folder, or called like a file of another kind; it exists and `force` is
            not given; its folder is missing or not writable.
    """
    # Of os.path, whose answers are no errors, even where a name is longer than any file's can be.
    there = os.path.exists(path)
    check_not_read(path, inputs)
    if os.path.isdir(path):
        raise _unwritable(path, "it is a folder", f"name a file in it: {path / 'results.nc'}")
    if path.suffix.lower() not in _ENDINGS:
        raise _unwritable(path, "results are netCDF files", f"call it {path.with_suffix('.nc')}")
    if there and not force:
        raise PplError(
            [
                Diagnostic(
                    "E604", f"{path} exists", hints=("give --force to replace it, or another name with --output",)
                )
            ],
            exit_code=Exit.USAGE,
        )
    if not os.path.isdir(path.parent):
        raise _unwritable(path, f"there is no folder {path.parent}", f"make it first: mkdir -p {path.parent}")
    try:
        handle, probe = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        os.close(handle)
        os.unlink(probe)
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error), "choose another place with --output") from None


def check_not_read(path: Path, inputs: Iterable[Path]) -> None:
    """Raises PplError: it is one of the inputs (E605)."""
    if os.path.exists(path) and any(os.path.exists(one) and path.samefile(one) for one in inputs):
        raise _unwritable(path, "the run reads it", "choose another name with --output")


def _unwritable(path: Path, why: str, *hints: str) -> PplError:
    return PplError([Diagnostic("E605", f"cannot write {path}: {why}", hints=hints)], exit_code=Exit.USAGE)


def write(groups: Groups, attrs: Mapping[str, Any], path: Path, force: bool = True) -> Path:
    """All groups into one netCDF file, under a temporary name in the same folder, then renamed.

    Returns `path`, or, where something is at `path` and `force` is not given, a free name beside it.

    Raises:
        OSError: the file could not be written; nothing is left behind, and what was at `path` is untouched.
    """
    return replaced_by(path, netcdf(groups, attrs), force)


def replaced_by(path: Path, image: bytes | memoryview, force: bool = True) -> Path:
    """These bytes as a file, under a temporary name in the same folder, then renamed; otherwise as `write`."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with open(handle, "wb") as opened:
            opened.write(image)
            opened.flush()
            os.fsync(opened.fileno())
        # mkstemp makes private files; results get the permissions that any new file would get.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        place = path if force else _claimed(path)
        os.replace(temporary, place)
        return place
    except BaseException:  # an interrupt too leaves no temporary file; the error goes on
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def netcdf(groups: Groups, attrs: Mapping[str, Any]) -> memoryview:
    """The bytes of a netCDF-4 file. They are made in memory: HDF5 crashes the process where a disk is full."""
    import h5netcdf
    import xarray as xr

    from ppl.results.container import GROUPS

    image = io.BytesIO()
    with h5netcdf.File(image, "w") as file:
        for key, value in attrs.items():
            file.attrs[key] = _storable(value) if isinstance(value, str) else value
        for name in dict.fromkeys((*GROUPS, *groups)):
            if name in groups:
                group = _with_storable_labels(groups[name])
                # Draws are noise to a compressor; whole numbers and truth values are not.
                small = [v for v in group.variables if group[v].ndim and group[v].dtype.kind in "iub"]
                encoding = {v: {"zlib": True, "complevel": 1} for v in small}
                store = xr.backends.H5NetCDFStore(file, group=name, mode="a")
                group.dump_to_store(store, encoding=encoding)
    return image.getbuffer()


def _storable(text: str) -> str:
    """HDF5 stores neither NUL nor half of a surrogate pair: they are written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _with_storable_labels(group: xr.Dataset) -> xr.Dataset:
    texts = {v: labels.values.tolist() for v, labels in group.coords.items() if labels.dtype.kind in "UO"}
    stored = {v: [_storable(str(text)) for text in own] for v, own in texts.items()}
    return group.assign_coords({v: (group[v].dims, own) for v, own in stored.items() if own != texts[v]})


def _claimed(path: Path) -> Path:
    """An empty file that was not there before: `fit.nc`, or `fit-2.nc` and so on where another run was faster."""
    for place in itertools.chain([path], (path.with_stem(f"{path.stem}-{n}") for n in itertools.count(2))):
        with contextlib.suppress(FileExistsError):
            place.open("xb").close()
            return place
    raise AssertionError  # there is always another number


def write_safely(groups: Groups, attrs: Mapping[str, Any], path: Path, force: bool = False) -> tuple[Path, str | None]:
    """`write`; if it fails, into a temporary folder or the home folder instead, so that no draw is lost.

    Returns where the results are, and why they are not at `path` (None if they are).

    Raises:
        PplError: nowhere takes them.
    """
    try:
        place = write(groups, attrs, path, force)
        return place, None if place == path else "another file came there during the run"
    except Exception as error:  # whatever is wrong with this place, another may do
        reason = getattr(error, "strerror", None) or str(error)
    for folder in (tempfile.gettempdir, Path.home, Path.cwd):
        with contextlib.suppress(Exception), contextlib.ExitStack() as undo:  # as above: the next folder may do
            made = Path(tempfile.mkdtemp(prefix="ppl-results-", dir=folder()))
            undo.callback(made.rmdir)
            place = write(groups, attrs, made / path.name)
            undo.pop_all()
            return place, reason
    raise PplError(
        [Diagnostic("E605", f"cannot write {path}: {reason}; nor a copy anywhere else")], exit_code=Exit.USAGE
    )


def read(path: Path) -> tuple[Groups, dict[str, Any]]:
    """Groups and attributes of a file of results.

    Raises:
        PplError: there is no such file, or it is not (or no longer) a whole file of results.
    """
    if not os.path.exists(path):
        raise missing_file(path, "file of results")
    try:
        with open(path, "rb") as opened:
            magic = opened.read(8)
    except OSError as error:
        raise PplError(
            [Diagnostic("E602", f"cannot read {path}: {error.strerror or error}")], exit_code=Exit.NO_FILE
        ) from None
    if magic != _MAGIC:
        raise _not_results(path, "it is empty" if not magic else "it is not a netCDF-4 file")
    import h5netcdf
    import xarray as xr

    from ppl.results.container import OF_A_FIT, OF_A_PRIOR

    groups: Groups = {}
    try:
        with h5netcdf.File(path, "r") as file:
            names = list(file.groups)
            attrs = {key: _plain(value) for key, value in file.attrs.items() if not key.startswith("_")}
        for name in names:
            with xr.open_dataset(path, group=name, engine="h5netcdf") as group:
                groups[name] = group.load()
    except Exception as error:  # whatever the reader of a foreign or damaged file stumbles over
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise _not_results(path, f"it is damaged or was not written whole ({reason})") from None
    main = next((name for name in (*OF_A_FIT, *OF_A_PRIOR) if name in groups), None)
    if main is None:
        raise _not_results(path, "it has no group `posterior`")
    for name in (*OF_A_FIT, *OF_A_PRIOR, "sample_stats", "divergent_points"):
        if name in groups:
            groups[name] = _of_draws(groups[name], ("divergence",) if name == "divergent_points" else ("chain", "draw"))
    if not groups[main].data_vars:
        raise _not_results(path, f"its `{main}` has no numbers over `chain` and `draw`")
    if min(groups[main].sizes["chain"], groups[main].sizes["draw"]) == 0:
        raise _not_results(path, "it has no draws")
    return groups, attrs


def _of_draws(group: xr.Dataset, leading: tuple[str, ...]) -> xr.Dataset:
    """What statistics can be made of: numeric variables over the leading dims, which come first."""
    kept = [name for name, v in group.data_vars.items() if v.dtype.kind in "fiub" and set(leading) <= set(v.dims)]
    return group[kept].transpose(*leading, ..., missing_dims="ignore")


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") and getattr(value, "size", 1) == 1 else value


def _not_results(path: Path, why: str) -> PplError:
    return PplError(
        [Diagnostic("E606", f"{path} is not a file of results: {why}", hints=("run `ppl sample` again to make it",))]
    )
