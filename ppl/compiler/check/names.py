"""What a name that does not exist was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from ppl.catalogue.combinators import COMBINATORS
from ppl.catalogue.distributions import DISTRIBUTIONS
from ppl.catalogue.functions import BUILDERS, CALLED

# Names of other systems, without underscores and in lower case.
_FOREIGN_DISTRIBUTIONS: Mapping[str, str] = {
    "n": "Normal", "u": "Uniform", "bern": "Bernoulli", "bin": "Binomial", "pois": "Poisson", "poi": "Poisson",
    "mvn": "MvNormal", "dir": "Dirichlet", "cat": "Categorical", "ig": "InverseGamma", "nb": "NegativeBinomial2",
    "gaussian": "Normal", "norm": "Normal", "dnorm": "Normal", "rnorm": "Normal", "stdnormal": "Normal",
    "multivariatenormal": "MvNormal", "multinormal": "MvNormal", "mvgaussian": "MvNormal",
    "multinormalcholesky": "MvNormal", "multinormalprec": "MvNormal", "dmnorm": "MvNormal",
    "t": "StudentT", "dt": "StudentT", "student": "StudentT", "tdist": "StudentT",
    "doubleexponential": "Laplace", "ddexp": "Laplace", "dexp": "Exponential", "dgamma": "Gamma", "dbeta": "Beta",
    "dunif": "Uniform", "unif": "Uniform", "dbern": "Bernoulli", "dbin": "Binomial", "dbinom": "Binomial",
    "dpois": "Poisson", "dcat": "Categorical", "dlnorm": "LogNormal", "lognorm": "LogNormal", "dweib": "Weibull",
    "ddirich": "Dirichlet", "dmulti": "Multinomial",
    "halft": "HalfStudentT", "invgamma": "InverseGamma", "inversegamma": "InverseGamma", "dinvgamma": "InverseGamma",
    "chi2": "ChiSquared", "chisquare": "ChiSquared", "chisq": "ChiSquared",
    "lkjcorrcholesky": "LKJCholesky", "lkjcholeskycov": "LKJCholesky", "lkj": "LKJCholesky", "lkjcorr": "LKJCholesky",
    "negbinomial2": "NegativeBinomial2", "negativebinomial": "NegativeBinomial2", "negbinomial": "NegativeBinomial2",
    "dnbinom": "NegativeBinomial2", "nbinom": "NegativeBinomial2",
    "poissonloglink": "PoissonLog", "orderedprobit": "OrderedLogistic", "orderedlogit": "OrderedLogistic",
    "zip": "ZeroInflatedPoisson", "zerosumnormal": "zerosum", "sumtozero": "zerosum",
    "sumtozerovector": "zerosum", "hurdle": "zeroinflated", "bernoulliprobs": "Bernoulli",
    "bernoullilogits": "BernoulliLogit",
    "binomialprobs": "Binomial", "binomiallogits": "BinomialLogit", "categoricalprobs": "Categorical",
    "categoricallogits": "CategoricalLogit",
}  # fmt: skip

_COMMON = ("Normal", "StudentT", "HalfNormal", "Exponential", "Gamma", "Beta", "Bernoulli", "Binomial", "Poisson",
           "NegativeBinomial2", "Categorical", "Dirichlet", "MvNormal")  # fmt: skip

_REWRITTEN_DISTRIBUTIONS: Mapping[str, str] = {
    "improperuniform": "a flat quantity is declared, not drawn: `var x`, or with bounds `var x > 0`",
    "flat": "a flat quantity is declared, not drawn: `var x`",
    "halfflat": "a flat quantity is declared, not drawn: `var x > 0`",
    "truncatednormal": "write `truncated(Normal(mean, scale), lower=..., upper=...)`",
    "zeroinflatednegativebinomial": "write `zeroinflated(p, NegativeBinomial2(mean, concentration))`",
    "zeroinflatedbinomial": "write `zeroinflated(p, Binomial(trials, probability))`",
    "hurdlepoisson": "write `zeroinflated(p, truncated(Poisson(rate), lower=1))`",
    "hurdlegamma": "write `zeroinflated(p, Gamma(shape, rate))`",
    "hurdlelognormal": "write `zeroinflated(p, LogNormal(location, scale))`",
    "deterministic": "write a deterministic quantity with `=`",
    "potential": "write the term as a density with `~`",
    "delta": "write a deterministic quantity with `=`",
    "normalmixture": "write `mixture(w[k], Normal(mu[k], sigma[k]))`, with `k` the dim of the components",
    "mixturesamefamily": "write `mixture(w[k], Normal(mu[k], sigma[k]))`, with `k` the dim of the components",
    "gaussianrandomwalk": "write its steps: `x[0] ~ Normal(0, 1)`, then `x[t] ~ Normal(x[t-1], s) for t in time[1:]`",
    "randomwalk": "write its steps: `x[0] ~ Normal(0, 1)`, then `x[t] ~ Normal(x[t-1], s) for t in time[1:]`",
    "ar": "write its steps: `x[0] ~ Normal(0, 1)`, then `x[t] ~ Normal(a * x[t-1], s) for t in time[1:]`",
    "ar1": "write its steps: `x[0] ~ Normal(0, 1)`, then `x[t] ~ Normal(a * x[t-1], s) for t in time[1:]`",
}

_FOREIGN_FUNCTIONS: Mapping[str, str] = {
    "inv_logit": "sigmoid", "expit": "sigmoid", "logistic": "sigmoid", "ilogit": "sigmoid", "log_inv_logit":
    "log_sigmoid", "log1p_exp": "softplus", "log1pexp": "softplus", "ln": "log", "fabs": "abs", "gammaln": "lgamma",
    "loggamma": "lgamma", "std": "sd", "log_sum_exp": "logsumexp", "normal_cdf": "Phi", "norm_cdf": "Phi",
    "std_normal_cdf": "Phi", "pnorm": "Phi", "inv_Phi": "probit", "qnorm": "probit", "dot_product": "dot",
    "mdivide_left": "solve", "mdivide_left_tri_low": "solve_lower", "inv": "inverse", "solve_triangular":
    "solve_lower", "diag_matrix": "diag", "rep_vector": "fill", "rep_matrix": "fill", "full": "fill", "ones": "fill",
    "zeros": "fill", "len": "length", "size": "length", "num_elements": "length", "log_determinant": "logdet",
    "slogdet": "logdet", "cholesky_decompose": "cholesky", "cumulative_sum": "cumsum", "arctan": "atan",
    "arcsin": "asin", "arccos": "acos", "sort_asc": "sort", "quad_form": "quadratic", "average": "mean",
}  # fmt: skip

_REWRITTEN_FUNCTIONS: Mapping[str, str] = {
    "where": "write `a if condition else b`",
    "ifelse": "write `a if condition else b`",
    "if_else": "write `a if condition else b`",
    "int_step": "write `a if condition else b`",
    "matmul": "write `A @ b`",
    "multiply": "write `a * b`",
    "maximum": "write `max(a, b)`",
    "minimum": "write `min(a, b)`",
    "print": "a model prints nothing; `ppl explain` shows what it says",
    "range": "bind an index with `for i in dim`",
    "ode_rk45": "write `odesolve(f, y0, t0, ts)`, with a rate `def f(t, y) = ...`",
    "integrate_ode_rk45": "write `odesolve(f, y0, t0, ts)`, with a rate `def f(t, y) = ...`",
    "odeint": "write `odesolve(f, y0, t0, ts)`, with a rate `def f(t, y) = ...`",
    "solve_ivp": "write `odesolve(f, y0, t0, ts)`, with a rate `def f(t, y) = ...`",
    "diffeqsolve": "write `odesolve(f, y0, t0, ts)`, with a rate `def f(t, y) = ...`",
    "ode_bdf": "write `odesolve(f, y0, t0, ts, method = stiff)`, with a rate `def f(t, y) = ...`",
    "integrate_ode_bdf": "write `odesolve(f, y0, t0, ts, method = stiff)`, with a rate `def f(t, y) = ...`",
}

# Keywords that mean the same parameter in one system or another.
_SYNONYMS: tuple[frozenset[str], ...] = tuple(
    frozenset(group.split())
    for group in (
        "mean location mu loc m",
        "scale sd sigma std stddev stdev s tau",
        "df nu dof degrees_of_freedom",
        "rate lam lambda_ mu beta theta",
        "shape alpha a k concentration",
        "concentration alpha a eta phi kappa conc concentration0 shape",
        "alpha a concentration1 shape1",
        "beta b concentration0 shape2 rate",
        "scale beta b",
        "probability p prob probs theta",
        "probabilities p prob probs theta",
        "logit logits logit_p eta alpha",
        "logits logit logit_p eta",
        "trials n N total_count size",
        "lower low lb a min minimum",
        "upper high ub b max",
        "minimum m xm x_m lower scale",
        "covariance cov covariance_matrix Sigma K",
        "precision prec precision_matrix tau Q",
        "cholesky chol scale_tril L cholesky_factor",
        "log_rate log_rates eta alpha log_lam",
        "gate psi pi theta zi",
        "predictor eta mu location",
        "cutpoints c cuts cut",
    )
)


# Names that a name is compared with; in a model with more, a guess would cost too much time.
CANDIDATES = 400


def quoted(names: Iterable[str]) -> str:
    """`a`, `b` and `c`."""
    parts = [f"`{n}`" for n in names]
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1] if parts else "none"


def closest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that a typing slip or another capitalisation would turn into `name`."""
    pool = list(dict.fromkeys(candidates))
    for candidate in pool:
        if candidate.lower() == name.lower() and candidate != name:
            return candidate
    allowed = (len(name) + 1) // 4 + (len(name) == 2)
    pool = [c for c in pool if abs(len(c) - len(name)) <= max(allowed, 3)]
    if len(pool) > CANDIDATES:
        return None
    best = min(pool, key=lambda c: distance(name, c), default=None)
    if best is not None and distance(name, best) <= allowed:
        return best
    return next(iter(get_close_matches(name, pool, n=1, cutoff=0.75)), None) if len(name) > 4 else None


def distance(a: str, b: str) -> int:
    """Slips between two names: letters added, dropped, changed, or two neighbours swapped (Damerau 1964)."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        previous, before, row = before, row, [i + 1]
        for j, y in enumerate(b):
            cost = min(before[j] + (x != y), before[j + 1] + 1, row[j] + 1)
            if i and j and x == b[j - 1] and a[i - 1] == y:
                cost = min(cost, previous[j - 1] + 1)
            row.append(cost)
    return row[-1]


def _did_you_mean(name: str, candidates: Iterable[str]) -> str:
    found = closest(name, candidates)
    return f"did you mean `{found}`?" if found is not None else ""


def quantity_hint(name: str, visible: Iterable[str]) -> str:
    """The visible name that was meant, if one is close."""
    return _did_you_mean(name, visible)


def distribution_hint(name: str) -> str:
    """What to write for a distribution that the catalogue does not have under this name."""
    plain = name.replace("_", "").replace(".", "").lower()
    if plain in _REWRITTEN_DISTRIBUTIONS:
        return _REWRITTEN_DISTRIBUTIONS[plain]
    by_plain = {d.lower(): d for d in (*DISTRIBUTIONS, *COMBINATORS)}
    known = by_plain.get(plain) or _FOREIGN_DISTRIBUTIONS.get(plain)
    if known is not None and (known in DISTRIBUTIONS or known in COMBINATORS):
        return f"here it is called `{known}`: `{signature(known)}`"
    return _did_you_mean(name, (*DISTRIBUTIONS, *COMBINATORS)) or f"some of those there are: {quoted(_COMMON)}"


def function_hint(name: str, user_functions: Iterable[str]) -> str:
    """What to write for a function that exists nowhere under this name."""
    if name in _REWRITTEN_FUNCTIONS:
        return _REWRITTEN_FUNCTIONS[name]
    if name in _FOREIGN_FUNCTIONS:
        return f"here it is called `{_FOREIGN_FUNCTIONS[name]}`"
    return _did_you_mean(name, (*user_functions, *CALLED, *BUILDERS))


def keyword_hint(keyword: str, parameters: Iterable[str]) -> str:
    """The parameter that this keyword names elsewhere."""
    names = list(parameters)
    for group in _SYNONYMS:
        if keyword in group:
            for name in names:
                if name in group:
                    return f"here it is called `{name}`"
    return _did_you_mean(keyword, names)


_CONVERSIONS: Mapping[tuple[str, str], str] = {
    ("scale", "rate"): "`rate` is 1 / scale",
    ("precision", "scale"): "`scale` is 1 / sqrt(precision)",
    ("prec", "scale"): "`scale` is 1 / sqrt(precision)",
    ("tau", "scale"): "`scale` is 1 / sqrt(precision)",
    ("variance", "scale"): "`scale` is sqrt(variance)",
    ("var", "scale"): "`scale` is sqrt(variance)",
}


def parameter_hint(distribution: str, keyword: str, free: Iterable[str]) -> str:
    """What to write for a keyword that a distribution does not have: another keyword, a conversion, or another
    distribution of the same family."""
    spec = DISTRIBUTIONS[distribution]
    names = list(free)
    for p in spec.parameters:
        if (keyword, p.name) in _CONVERSIONS:
            return _CONVERSIONS[keyword, p.name]
    hint = keyword_hint(keyword, names)
    if hint:
        return hint
    for other in DISTRIBUTIONS.values():
        theirs = [p.name for p in other.parameters]
        related = other.name != distribution and other.name.startswith(distribution)
        if related and (keyword in theirs or keyword_hint(keyword, theirs)):
            return f"that is `{signature(other.name)}`"
    return f"`{signature(distribution)}`"


def signature(distribution: str) -> str:
    """`Normal(mean=0, scale=1)`, as the reference writes it."""
    if distribution in COMBINATORS:
        return COMBINATORS[distribution].signature
    spec = DISTRIBUTIONS[distribution]
    grouped = {name: group for group in spec.one_of for name in group}
    parts: list[str] = []
    for p in spec.parameters:
        group = grouped.get(p.name)
        if group is not None:
            if p.name == group[0]:
                parts.append(" | ".join(group))
        elif p.default is not None:
            parts.append(f"{p.name}={p.default:g}")
        else:
            parts.append(p.name)
    return f"{distribution}({', '.join(parts)})"
