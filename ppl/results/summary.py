"""One row of statistics for each scalar of the posterior and of the predictions, and the table that shows them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from ppl.results import statistics

COLUMNS = ("mean", "sd", "q5", "q50", "q95", "ess_bulk", "ess_tail", "r_hat")


@dataclass(frozen=True)
class Summary:
    """names: of the scalars (`theta[Choate]`); variables: the quantity each belongs to; columns: by COLUMNS and
    `mcse_mean`, (scalars,) each. Statistics of scalars that do not vary are NaN."""

    names: tuple[str, ...]
    variables: tuple[str, ...]
    columns: dict[str, npt.NDArray[np.float64]]

    def row(self, i: int) -> dict[str, float]:
        """The statistics of the i-th scalar by column."""
        return {name: float(values[i]) for name, values in self.columns.items()}

    def __len__(self) -> int:
        return len(self.names)


def summarise(posterior: xr.Dataset, only: Sequence[str] = ()) -> Summary:
    """Statistics of every scalar of a group of draws, in the order of its variables."""
    names: list[str] = []
    variables: list[str] = []
    parts: list[npt.NDArray[np.float64]] = []
    chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]
    for name in only or posterior.data_vars:
        array = posterior[str(name)].transpose("chain", "draw", ...)
        own = scalar_names(array)
        names += own
        variables += [str(name)] * len(own)
        parts.append(array.values.astype(np.float64).reshape(chains, draws, -1))
    values = np.concatenate(parts, axis=-1) if parts else np.empty((chains, draws, 0))
    flat = values.reshape(-1, values.shape[-1])
    with np.errstate(invalid="ignore", over="ignore"):
        columns = _moments(flat)
    columns |= {
        "ess_bulk": statistics.ess_bulk(values),
        "ess_tail": statistics.ess_tail(values),
        "r_hat": statistics.rhat(values),
        "mcse_mean": statistics.mcse_mean(values),
    }
    return Summary(tuple(names), tuple(variables), columns)


def joined(*summaries: Summary) -> Summary:
    """The rows of all, one after the other."""
    return Summary(
        tuple(name for s in summaries for name in s.names),
        tuple(variable for s in summaries for variable in s.variables),
        {c: np.concatenate([s.columns[c] for s in summaries]) for c in summaries[0].columns},
    )


def _moments(flat: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[np.float64]]:
    """Means, deviations and quantiles; NaN where draws are infinite or too few."""
    q5, q50, q95 = np.quantile(flat, [0.05, 0.5, 0.95], axis=0)
    sd = flat.std(axis=0, ddof=1) if len(flat) > 1 else np.full(flat.shape[1], np.nan)
    return {"mean": flat.mean(axis=0), "sd": sd, "q5": q5, "q50": q50, "q95": q95}


def scalar_names(array: xr.DataArray) -> list[str]:
    """`theta[Choate]` for each element, row-major; positions where there are no labels."""
    dims = [d for d in array.dims if d not in ("chain", "draw")]
    if not dims:
        return [str(array.name)]
    labels = [[str(x) for x in array[d].values.tolist()] for d in dims]
    shape = [len(own) for own in labels]
    return [
        f"{array.name}[{', '.join(own[i] for own, i in zip(labels, index, strict=True))}]"
        for index in np.ndindex(*shape)
    ]


# --- the table ---------------------------------------------------------------------------------------


def table(summary: Summary, most: int | None = 8, convergence: bool = True) -> str:
    """Aligned text. Of an array with more than `most` elements only the first ones are shown (None: all). convergence:
    False leaves out what says how well chains agree, for draws that are independent."""
    columns = COLUMNS if convergence else COLUMNS[:5]
    rows: list[tuple[str, ...]] = []
    shown: dict[str, int] = {}
    left: dict[str, int] = {}
    totals = {v: summary.variables.count(v) for v in dict.fromkeys(summary.variables)}
    notes: dict[int, str] = {}
    for i, name in enumerate(summary.names):
        variable = summary.variables[i]
        shown[variable] = shown.get(variable, 0) + 1
        if most is not None and totals[variable] > most and shown[variable] > most - 2:
            left[variable] = left.get(variable, 0) + 1
            if shown[variable] == totals[variable]:
                notes[len(rows)] = f"  ... {left[variable]} more of {variable}"
                rows.append(("", *("" for _ in columns)))
            continue
        row = summary.row(i)
        digits = _digits(row)
        numbers = [_number(row[c], digits) for c in COLUMNS[:5]]
        agreement = (_whole(row["ess_bulk"]), _whole(row["ess_tail"]), _fixed(row["r_hat"], 3)) if convergence else ()
        rows.append((name, *numbers, *agreement))
    header = ("", *columns)
    widths = [max(len(r[k]) for r in [header, *rows]) for k in range(len(header))]
    lines = ["  ".join(h.rjust(w) if k else h.ljust(w) for k, (h, w) in enumerate(zip(header, widths, strict=True)))]
    for number, row_text in enumerate(rows):
        if number in notes:
            lines.append(notes[number])
        else:
            cells = zip(row_text, widths, strict=True)
            lines.append("  ".join(c.rjust(w) if k else c.ljust(w) for k, (c, w) in enumerate(cells)))
    return "\n".join(line.rstrip() for line in lines)


def _digits(row: dict[str, float]) -> int:
    """Decimals for two or three significant digits of the standard deviation; for three or four of the mean where there
    is no more of the other than rounding leaves."""
    mean, sd = abs(row["mean"]), row["sd"]
    spread = math.isfinite(sd) and sd > 1e-12 * mean
    scale = sd if spread else mean
    if scale == 0 or not math.isfinite(scale):
        return 2
    return max(0, min(12, (1 if spread else 2) - math.floor(math.log10(scale))))


def _number(value: float, digits: int) -> str:
    if not math.isfinite(value):
        return "-" if math.isnan(value) else str(value)
    return f"{value:.2e}" if digits > 6 or abs(value) >= 1e7 else f"{value:z.{max(digits, 1)}f}"


def _whole(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.0f}"


def _fixed(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
