"""Whether the draws can be trusted, in words, with what to do about it.

Thresholds: split R-hat 1.01 and 100 effective draws a chain (Vehtari et al. 2021); E-BFMI 0.3 (Betancourt 2016);
any divergence counts (Betancourt 2017, section 6.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from ppl.graph import ModelGraph
from ppl.results import statistics
from ppl.results.container import Groups
from ppl.results.findings import Finding, of_engine
from ppl.results.hard_terms import centred_terms, line_of, other_coordinates
from ppl.results.summary import Summary, scalar_names
from ppl.results.wording import Say, in_python

RHAT = 1.01
ESS_PER_CHAIN = 100
EBFMI = 0.3


@dataclass(frozen=True)
class Diagnosis:
    """All findings. `trusted`: nothing speaks against the draws, or against the mode where that is what was found."""

    findings: tuple[Finding, ...]
    good: tuple[str, ...]
    of_mode: bool = False

    @property
    def trusted(self) -> bool:
        """Whether no finding speaks against the draws."""
        return all(finding.trusted for finding in self.findings)

    def text(self) -> str:
        """A verdict, then findings with details and remedies."""
        fine, doubtful = ("mode looks", "mode is") if self.of_mode else ("draws look", "draws are")
        verdict = f"The {fine} fine." if self.trusted else f"The {doubtful} not to be trusted yet."
        lines = [verdict]
        for finding in self.findings:
            lines.append(f"{'-' if finding.trusted else '!'} {finding.title}")
            lines += [f"    {line}" for line in finding.details]
            lines += [f"    = {line}" for line in finding.remedies]
        lines += [f"  {line}" for line in self.good]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """The verdict and the findings, as `--json` prints them."""
        return {
            "trusted": self.trusted,
            "findings": [
                {
                    "name": f.name,
                    "title": f.title,
                    "details": list(f.details),
                    "remedies": list(f.remedies),
                    "trusted": f.trusted,
                    "values": dict(f.values),
                }
                for f in self.findings
            ],
            "good": list(self.good),
        }


def diagnose(
    groups: Groups, summary: Summary, graph: ModelGraph | None, attrs: Mapping[str, Any], say: Say = in_python
) -> Diagnosis:
    """What the draws, their statistics and the engine's records say. `graph` adds lines and remedies by name; `say`
    words the settings that remedies name."""
    stats = groups.get("sample_stats", xr.Dataset())
    settings = attrs.get("settings", {})
    chains, draws = groups["posterior"].sizes["chain"], groups["posterior"].sizes["draw"]
    findings: list[Finding] = []
    good: list[str] = []
    said_of: dict[str, tuple[Finding | str | None, ...]] = {
        "correlated": (
            _unjudged(summary, draws, say),
            _stuck(stats, settings, say),
            _apart(summary, draws),
            _rhat(summary, chains, draws, say),
            _ess(summary, chains, draws, say),
            _divergences(groups, graph, attrs, say),
            _energy(stats, graph, attrs, say),
            _depth(stats, settings, say),
        ),
        "independent": (_unjudged(summary, draws, say), _exact(attrs) or _disagreement(summary, chains, draws)),
        "a mode": (),
    }
    kind = str(attrs.get("draws_are", "correlated"))
    for said in (_stopped(attrs), *said_of.get(kind, ()), *of_engine(attrs.get("remarks"), say)):
        if isinstance(said, Finding):
            findings.append(said)
        elif said:
            good.append(said)
    return Diagnosis(tuple(findings), tuple(good), kind == "a mode")


# --- the single checks: a finding, a good word, or nothing to say ------------------------------------


def _stopped(attrs: Mapping[str, Any]) -> Finding | None:
    reason = attrs.get("stopped")
    if not reason:
        return None
    return Finding("stopped", f"The run was stopped early ({reason}): this is a part of it.", trusted=True)


def _unjudged(summary: Summary, draws: int, say: Say) -> Finding | None:
    """Too few draws for any statistic, or draws that are no numbers: silence is no praise."""
    broken = [name for name, mean in zip(summary.names, summary.columns["mean"], strict=True) if not np.isfinite(mean)]
    if draws >= statistics.FEWEST and not broken:
        return None
    if draws < statistics.FEWEST:
        title = f"With {draws} draw{'s' if draws > 1 else ''} a chain nothing can be judged."
        return Finding("unjudged", title, remedies=(f"draw more: {say(draws=1000)}",), values={"draws": draws})
    return Finding(
        "unjudged",
        f"{len(broken)} of {len(summary)} quantities have draws that are infinite or not numbers.",
        (f"such as {', '.join(broken[:5])}",),
        ("look for overflow in what they are computed from",),
        values={"count": len(broken)},
    )


def _stuck(stats: xr.Dataset, settings: Mapping[str, Any], say: Say) -> Finding | None:
    if "acceptance_rate" not in stats or stats.sizes["draw"] < 10:
        return None
    still = stats["acceptance_rate"].mean("draw").values < 0.02
    if "lp" in stats:
        lp = stats["lp"].values
        still = still | (np.ptp(lp, axis=1) == 0)
    chains = [str(i) for i in np.flatnonzero(still)]
    if not chains:
        return None
    return Finding(
        "stuck",
        f"{'Chain' if len(chains) == 1 else 'Chains'} {', '.join(chains)} hardly moved.",
        remedies=(
            f"a longer warmup ({say(warmup=2 * max(1000, settings.get('warmup', 0)))}) or another seed may free them; "
            "if not, the density has a cliff or a spike",
        ),
        values={"chains": [int(c) for c in chains]},
    )


def _apart(summary: Summary, draws: int) -> Finding | None:
    """Quantities that vary, but within no chain."""
    names = [] if draws < statistics.FEWEST else [summary.names[i] for i in _between_chains_alone(summary)]
    if not names:
        return None
    return Finding(
        "apart",
        f"{len(names)} of {len(summary)} quantities never change within a chain, and the chains differ: "
        "each chain is stuck where it began.",
        (f"such as {', '.join(names[:5])}; their R-hat is not defined",),
        ("the draws say nothing of how probable the values are: look for separate modes",),
        values={"count": len(names)},
    )


def _between_chains_alone(summary: Summary) -> npt.NDArray[np.int64]:
    return np.flatnonzero(np.isnan(summary.columns["r_hat"]) & (summary.columns["sd"] > 0))


def _rhat(summary: Summary, chains: int, draws: int, say: Say) -> Finding | str | None:
    values = summary.columns["r_hat"]
    if chains < 2:
        return Finding(
            "one chain",
            "With one chain, convergence cannot be judged by comparing chains.",
            remedies=(f"run four: {say(chains=4)}",),
            trusted=True,
        )
    worst = _worst(summary, values, largest=True)
    if not worst:
        return None
    high = int(np.sum(values > RHAT))
    top = worst[0][1]
    if not high:
        return f"R-hat is at most {top:.3f}." if not len(_between_chains_alone(summary)) else None
    listed = ", ".join(f"{name} {value:.3f}" for name, value in worst[:5] if value > RHAT)
    longer = "let them run longer" if top < 1.1 else "give vague latents tighter priors"
    remedy = f"the chains have not found the same distribution: look for symmetric or separate modes, then {longer}"
    if draws < ESS_PER_CHAIN:
        remedy = f"the run is too short to say why: {say(draws=1000)}"
    return Finding(
        "r_hat",
        f"R-hat is above {RHAT} for {high} of {len(summary)} quantities; the chains disagree.",
        (f"worst: {listed}",),
        (remedy,),
        values={"worst": top, "count": high},
    )


def _exact(attrs: Mapping[str, Any]) -> str | None:
    return "The draws are exact, and independent of each other." if attrs.get("exact") else None


def _disagreement(summary: Summary, chains: int, draws: int) -> Finding | str | None:
    """Of fits that were made independently of each other, each with n independent draws. If they are alike, R-hat² is
    1 + (F - 1) / n with F a ratio of variances, which passes 10 about once in a million."""
    values = summary.columns["r_hat"]
    worst = _worst(summary, values, largest=True)
    if chains < 2 or not worst:
        return None
    limit = max(RHAT, float(np.sqrt(1 + 9 / draws)))
    high = int(np.sum(values > limit))
    if not high:
        return f"{chains} independent fits agree: R-hat is at most {worst[0][1]:.3f}."
    listed = ", ".join(f"{name} {value:.3f}" for name, value in worst[:5] if value > limit)
    return Finding(
        "disagreement",
        f"Independent fits disagree: R-hat is above {limit:.3g} for {high} of {len(summary)} quantities.",
        (f"worst: {listed}",),
        ("each has found a part or a mode of the distribution; a Markov chain may show which",),
        values={"worst": worst[0][1], "count": high},
    )


def _ess(summary: Summary, chains: int, draws: int, say: Say) -> Finding | str | None:
    wanted = ESS_PER_CHAIN * chains
    lowest = np.fmin(summary.columns["ess_bulk"], summary.columns["ess_tail"])
    worst = _worst(summary, lowest, largest=False)
    if not worst:
        return None
    low = int(np.sum(lowest < wanted))
    if not low:
        return f"Every quantity has at least {worst[0][1]:.0f} effective draws."
    listed = ", ".join(f"{name} {value:.0f}" for name, value in worst[:5] if value < wanted)
    factor = max(2, int(np.ceil(wanted / max(worst[0][1], 1.0))))
    remedy = (
        f"draw more: {say(draws=draws * factor)}"
        if factor <= 10
        else "drawing longer alone will hardly do: look at the other findings, and at latents that trade off"
    )
    if draws < ESS_PER_CHAIN:
        remedy = f"draw more: {say(draws=1000)}"
    return Finding(
        "ess",
        f"Fewer than {wanted} effective draws for {low} of {len(summary)} quantities; their summaries are rough.",
        (f"fewest: {listed}",),
        (remedy,),
        values={"lowest": worst[0][1], "count": low},
    )


def _energy(stats: xr.Dataset, graph: ModelGraph | None, attrs: Mapping[str, Any], say: Say) -> Finding | str | None:
    if "energy" not in stats:
        return None
    values = statistics.ebfmi(stats["energy"].values)
    low = [int(i) for i in np.flatnonzero(values < EBFMI)]
    if not np.isfinite(values).any():
        return None
    if not low:
        return f"E-BFMI is at least {np.nanmin(values):.2f}."
    # Where trajectories diverged too, that finding says all this.
    diverged = "diverging" in stats and bool(stats["diverging"].values.any())
    terms = [] if graph is None or diverged else centred_terms(graph, set())
    lines = [line_of(graph, term) for term in terms if graph is not None]
    remedies = other_coordinates(attrs, terms, say)
    if diverged:
        remedies = ["mend the divergences first"]
    return Finding(
        "ebfmi",
        f"E-BFMI is below {EBFMI} in chain{'s' if len(low) > 1 else ''} {', '.join(map(str, low))}: "
        "momentum cannot carry the chains along the tails.",
        (f"E-BFMI by chain: {', '.join(f'{v:.2f}' for v in values)}", *lines),
        tuple(remedies) or ("a latent with heavy tails is the usual cause: give it a tighter prior",),
        values={"ebfmi": [float(v) for v in values]},
    )


def _depth(stats: xr.Dataset, settings: Mapping[str, Any], say: Say) -> Finding | None:
    most = settings.get("max_depth")
    if most is None or "tree_depth" not in stats:
        return None
    full = stats["tree_depth"].values >= most
    share = float(full.mean()) if full.size else 0.0
    if not full.any():
        return None
    return Finding(
        "tree depth",
        f"{int(full.sum())} of {full.size} trajectories stopped at the greatest tree depth, {most}.",
        (),
        (
            f"correct but slow; allow longer ones with {say(max_depth=int(most) + 2)}, or rescale the model so that "
            "its latents have like scales",
        ),
        trusted=share < 0.5,
        values={"count": int(full.sum())},
    )


# --- divergences -------------------------------------------------------------------------------------


def _divergences(groups: Groups, graph: ModelGraph | None, attrs: Mapping[str, Any], say: Say) -> Finding | str | None:
    settings = attrs.get("settings", {})
    stats = groups.get("sample_stats", xr.Dataset())
    if "diverging" not in stats:
        return None
    diverging = stats["diverging"].values.astype(bool)
    count = int(diverging.sum())
    if not count:
        return "No trajectory diverged."
    details = []
    remedies = []
    places = _where_divergent(groups["posterior"], groups.get("divergent_points", xr.Dataset()))
    if places:
        listed = [f"{'small' if low else 'large'} {name}" for name, low, _ in places]
        details.append(f"they gather at {' and '.join(listed)}")
    if graph is not None:
        names = {name.partition("[")[0] for name, low, _ in places if low}
        terms = centred_terms(graph, names)
        details += [line_of(graph, term) for term in terms]
        remedies += other_coordinates(attrs, terms, say)
    target = settings.get("target_acceptance", 0.8)
    higher = 0.9 if target < 0.9 else 0.99
    if target < 0.99:
        remedies.append(f"{'or ' if remedies else ''}take smaller steps: {say(target_acceptance=higher)}")
    if not remedies[:-1] and not places:
        remedies.append("if that does not help, look for a density with a cliff: hard bounds, or scales near 0")
    return Finding(
        "divergences",
        f"{count} of {diverging.size} trajectories diverged: "
        "there are regions that the sampler could not enter, and the draws leave them out.",
        tuple(details),
        tuple(remedies),
        values={"count": count, "where": [name for name, _, _ in places]},
    )


def _where_divergent(posterior: xr.Dataset, points: xr.Dataset, most: int = 2) -> list[tuple[str, bool, float]]:
    """Scalars whose values where trajectories broke lie far to one side: (name, low side, mean rank), clearest first.

    The mean rank of d points drawn like the draws would be 1/2 with standard deviation sqrt(1 / (12 d)).
    """
    found: list[tuple[str, bool, float]] = []
    for variable in posterior.data_vars:
        array = posterior[variable]
        if variable not in points or array.ndim > 2:
            continue  # elements of a group rarely are the cause; their scale is
        draws = np.sort(array.values.astype(np.float64).ravel())
        broken = points[variable].values.astype(np.float64)
        broken = broken[np.isfinite(broken)]
        if not broken.size or draws[0] == draws[-1]:
            continue
        rank = float(np.mean(np.searchsorted(draws, broken) / draws.size))
        if abs(rank - 0.5) > max(0.2, 1.55 * np.sqrt(1.0 / (12 * broken.size))):
            found.append((scalar_names(array)[0], rank < 0.5, rank))
    return sorted(found, key=lambda f: -abs(f[2] - 0.5))[:most]


def _worst(summary: Summary, values: npt.NDArray[np.float64], largest: bool) -> list[tuple[str, float]]:
    """The five worst quantities by their worst elements, so that a large array does not crowd out the others."""
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(-values[known] if largest else values[known], kind="stable")]
    worst: dict[str, int] = {}
    for i in order:
        worst.setdefault(summary.variables[i], int(i))
    return [(summary.names[i], float(values[i])) for i in list(worst.values())[:5]]
