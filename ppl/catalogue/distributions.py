"""The distributions of the language, as a table. No JAX here: the densities are in `ppl.compiler.distributions`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Parameter:
    """name: canonical; domain: a key of SUPPORTS (`real`, `positive`, `unit_interval`, `simplex`, ...), of each
    element where its event rank is below `rank`; rank: event rank of one parameter value; default: used when left
    out; scalar: a single number stands for a vector of equal elements."""

    name: str
    domain: str
    rank: int = 0
    default: float | None = None
    scalar: bool = False


@dataclass(frozen=True)
class DistributionSpec:
    """One row of the catalogue.

    support: a key of SUPPORTS, of the same event rank; `lower`/`upper`: names of the parameters that bound it, if any
    (Uniform, Binomial).
    data_support: support of observed values where it is not `support` itself (an Exponential time may be 0).
    one_of: groups of parameters of which exactly one is given (MvNormal: covariance, precision, cholesky).
    truncatable: `truncated(d, ...)` knows its normaliser.
    numpyro: the class behind it. formula: density in plain mathematics, for the reference and `ppl explain`.
    """

    name: str
    parameters: tuple[Parameter, ...]
    support: str
    event_rank: int = 0
    discrete: bool = False
    lower: str | None = None
    upper: str | None = None
    one_of: tuple[tuple[str, ...], ...] = ()
    data_support: str = ""
    truncatable: bool = False
    numpyro: str = ""
    formula: str = ""

    @property
    def observable(self) -> str:
        """The support of observed values."""
        return self.data_support or self.support

    @property
    def orderable(self) -> bool:
        """Whether `ordered(d)` is defined: continuous elements on the line or above a bound."""
        return not self.discrete and self.event_rank == 0 and self.support in ("real", "positive", "nonnegative")


_LOCATION = Parameter("location", "real", default=0.0)
_SCALE = Parameter("scale", "positive", default=1.0)
_PROBABILITY = Parameter("probability", "unit_interval")
_TRIALS = Parameter("trials", "count")

_REAL = (
    DistributionSpec(
        "Normal",
        (Parameter("mean", "real", default=0.0), _SCALE),
        "real",
        truncatable=True,
        numpyro="Normal",
        formula="exp(-((x - mean) / scale)^2 / 2) / (scale sqrt(2 pi))",
    ),
    DistributionSpec(
        "StudentT",
        (Parameter("df", "positive"), _LOCATION, _SCALE),
        "real",
        truncatable=True,
        numpyro="StudentT",
        formula="gamma((df + 1) / 2) / (gamma(df / 2) sqrt(pi df) scale) "
        "(1 + ((x - location) / scale)^2 / df)^(-(df + 1) / 2)",
    ),
    DistributionSpec(
        "Cauchy",
        (_LOCATION, _SCALE),
        "real",
        truncatable=True,
        numpyro="Cauchy",
        formula="1 / (pi scale (1 + ((x - location) / scale)^2))",
    ),
    DistributionSpec(
        "Laplace",
        (_LOCATION, _SCALE),
        "real",
        truncatable=True,
        numpyro="Laplace",
        formula="exp(-|x - location| / scale) / (2 scale)",
    ),
    DistributionSpec(
        "Logistic",
        (_LOCATION, _SCALE),
        "real",
        truncatable=True,
        numpyro="Logistic",
        formula="exp(-z) / (scale (1 + exp(-z))^2) with z = (x - location) / scale",
    ),
    DistributionSpec(
        "Gumbel",
        (_LOCATION, _SCALE),
        "real",
        truncatable=True,
        numpyro="Gumbel",
        formula="exp(-z - exp(-z)) / scale with z = (x - location) / scale",
    ),
)

_POSITIVE = (
    DistributionSpec(
        "LogNormal",
        (_LOCATION, _SCALE),
        "positive",
        truncatable=True,
        numpyro="LogNormal",
        formula="exp(-((log x - location) / scale)^2 / 2) / (x scale sqrt(2 pi))",
    ),
    DistributionSpec(
        "HalfNormal",
        (_SCALE,),
        "positive",
        data_support="nonnegative",
        truncatable=True,
        numpyro="HalfNormal",
        formula="2 exp(-(x / scale)^2 / 2) / (scale sqrt(2 pi))",
    ),
    DistributionSpec(
        "HalfCauchy",
        (_SCALE,),
        "positive",
        data_support="nonnegative",
        truncatable=True,
        numpyro="HalfCauchy",
        formula="2 / (pi scale (1 + (x / scale)^2))",
    ),
    DistributionSpec(
        "HalfStudentT",
        (Parameter("df", "positive"), _SCALE),
        "positive",
        data_support="nonnegative",
        truncatable=True,
        numpyro="FoldedDistribution(StudentT)",
        formula="2 gamma((df + 1) / 2) / (gamma(df / 2) sqrt(pi df) scale) (1 + (x / scale)^2 / df)^(-(df + 1) / 2)",
    ),
    DistributionSpec(
        "Exponential",
        (Parameter("rate", "positive", default=1.0),),
        "positive",
        data_support="nonnegative",
        truncatable=True,
        numpyro="Exponential",
        formula="rate exp(-rate x)",
    ),
    DistributionSpec(
        "Gamma",
        (Parameter("shape", "positive"), Parameter("rate", "positive", default=1.0)),
        "positive",
        truncatable=True,
        numpyro="Gamma",
        formula="rate^shape x^(shape - 1) exp(-rate x) / gamma(shape)",
    ),
    DistributionSpec(
        "ChiSquared",
        (Parameter("df", "positive"),),
        "positive",
        truncatable=True,
        numpyro="Chi2",
        formula="x^(df / 2 - 1) exp(-x / 2) / (2^(df / 2) gamma(df / 2))",
    ),
    DistributionSpec(
        "InverseGamma",
        (Parameter("shape", "positive"), Parameter("scale", "positive", default=1.0)),
        "positive",
        truncatable=True,
        numpyro="InverseGamma",
        formula="scale^shape x^(-shape - 1) exp(-scale / x) / gamma(shape)",
    ),
    DistributionSpec(
        "Weibull",
        (Parameter("shape", "positive"), Parameter("scale", "positive", default=1.0)),
        "positive",
        truncatable=True,
        numpyro="Weibull",
        formula="(shape / scale) (x / scale)^(shape - 1) exp(-(x / scale)^shape)",
    ),
    DistributionSpec(
        "Pareto",
        (Parameter("minimum", "positive"), Parameter("shape", "positive")),
        "interval",
        lower="minimum",
        truncatable=True,
        numpyro="Pareto",
        formula="shape minimum^shape / x^(shape + 1)",
    ),
)

_BOUNDED = (
    DistributionSpec(
        "Beta",
        (Parameter("alpha", "positive"), Parameter("beta", "positive")),
        "open_unit_interval",
        truncatable=True,
        numpyro="Beta",
        formula="x^(alpha - 1) (1 - x)^(beta - 1) gamma(alpha + beta) / (gamma(alpha) gamma(beta))",
    ),
    DistributionSpec(
        "Uniform",
        (Parameter("lower", "real", default=0.0), Parameter("upper", "real", default=1.0)),
        "interval",
        lower="lower",
        upper="upper",
        truncatable=True,
        numpyro="Uniform",
        formula="1 / (upper - lower)",
    ),
    DistributionSpec(
        "VonMises",
        (_LOCATION, Parameter("concentration", "positive")),
        "circle",
        numpyro="VonMises",
        formula="exp(concentration cos(x - location)) / (2 pi I0(concentration))",
    ),
)

_MULTIVARIATE = (
    DistributionSpec(
        "Dirichlet",
        (Parameter("concentration", "positive", rank=1),),
        "simplex",
        event_rank=1,
        data_support="open_simplex",
        numpyro="Dirichlet",
        formula="gamma(sum concentration) prod x^(concentration - 1) / prod gamma(concentration)",
    ),
    DistributionSpec(
        "MvNormal",
        (
            Parameter("mean", "real", rank=1, scalar=True),
            Parameter("covariance", "positive_definite", rank=2),
            Parameter("precision", "positive_definite", rank=2),
            Parameter("cholesky", "cholesky_cov", rank=2),
        ),
        "real_vector",
        event_rank=1,
        one_of=(("covariance", "precision", "cholesky"),),
        numpyro="MultivariateNormal",
        formula="exp(-(x - mean)' covariance^-1 (x - mean) / 2) / sqrt(det(2 pi covariance))",
    ),
    DistributionSpec(
        "LKJCholesky",
        (Parameter("concentration", "positive", default=1.0),),
        "cholesky_corr",
        event_rank=2,
        numpyro="LKJCholesky",
        formula="prod x[k, k]^(n - k + 2 concentration - 2) / Z for rows k = 2..n, so that x x' has density "
        "proportional to det(x x')^(concentration - 1)",
    ),
)

_DISCRETE = (
    DistributionSpec(
        "Bernoulli",
        (_PROBABILITY,),
        "bool",
        discrete=True,
        numpyro="BernoulliProbs",
        formula="probability if x else 1 - probability",
    ),
    DistributionSpec(
        "BernoulliLogit",
        (Parameter("logit", "real"),),
        "bool",
        discrete=True,
        numpyro="BernoulliLogits",
        formula="Bernoulli with probability 1 / (1 + exp(-logit))",
    ),
    DistributionSpec(
        "Binomial",
        (_TRIALS, _PROBABILITY),
        "count",
        discrete=True,
        upper="trials",
        truncatable=True,
        numpyro="BinomialProbs",
        formula="choose(trials, x) probability^x (1 - probability)^(trials - x)",
    ),
    DistributionSpec(
        "BinomialLogit",
        (_TRIALS, Parameter("logit", "real")),
        "count",
        discrete=True,
        upper="trials",
        truncatable=True,
        numpyro="BinomialLogits",
        formula="Binomial with probability 1 / (1 + exp(-logit))",
    ),
    DistributionSpec(
        "BetaBinomial",
        (_TRIALS, Parameter("alpha", "positive"), Parameter("beta", "positive")),
        "count",
        discrete=True,
        upper="trials",
        numpyro="BetaBinomial",
        formula="choose(trials, x) B(x + alpha, trials - x + beta) / B(alpha, beta)",
    ),
    DistributionSpec(
        "Poisson",
        (Parameter("rate", "nonnegative"),),
        "count",
        discrete=True,
        truncatable=True,
        numpyro="Poisson",
        formula="rate^x exp(-rate) / x!",
    ),
    DistributionSpec(
        "PoissonLog",
        (Parameter("log_rate", "real"),),
        "count",
        discrete=True,
        truncatable=True,
        numpyro="Poisson",
        formula="Poisson with rate exp(log_rate)",
    ),
    DistributionSpec(
        "NegativeBinomial2",
        (Parameter("mean", "positive"), Parameter("concentration", "positive")),
        "count",
        discrete=True,
        truncatable=True,
        numpyro="NegativeBinomial2",
        formula="gamma(x + concentration) / (x! gamma(concentration)) (mean / (mean + concentration))^x "
        "(concentration / (mean + concentration))^concentration",
    ),
    DistributionSpec(
        "Geometric",
        (_PROBABILITY,),
        "count",
        discrete=True,
        truncatable=True,
        numpyro="GeometricProbs",
        formula="probability (1 - probability)^x",
    ),
    DistributionSpec(
        "ZeroInflatedPoisson",
        (Parameter("gate", "unit_interval"), Parameter("rate", "nonnegative")),
        "count",
        discrete=True,
        numpyro="ZeroInflatedPoisson",
        formula="gate (x = 0) + (1 - gate) rate^x exp(-rate) / x!",
    ),
    DistributionSpec(
        "Categorical",
        (Parameter("probabilities", "simplex", rank=1),),
        "categorical",
        discrete=True,
        numpyro="CategoricalProbs",
        formula="probabilities[x]",
    ),
    DistributionSpec(
        "CategoricalLogit",
        (Parameter("logits", "real", rank=1),),
        "categorical",
        discrete=True,
        numpyro="CategoricalLogits",
        formula="exp(logits[x]) / sum exp(logits)",
    ),
    DistributionSpec(
        "OrderedLogistic",
        (Parameter("predictor", "real"), Parameter("cutpoints", "ordered", rank=1)),
        "categorical",
        discrete=True,
        numpyro="OrderedLogistic",
        formula="F(cutpoints[x] - predictor) - F(cutpoints[x - 1] - predictor) with F(z) = 1 / (1 + exp(-z)), "
        "cutpoints[-1] = -inf and the one after the last = +inf",
    ),
    DistributionSpec(
        "Multinomial",
        (_TRIALS, Parameter("probabilities", "simplex", rank=1)),
        "count_vector",
        event_rank=1,
        discrete=True,
        upper="trials",
        numpyro="MultinomialProbs",
        formula="trials! prod (probabilities^x / x!)",
    ),
)

DISTRIBUTIONS: Mapping[str, DistributionSpec] = {
    spec.name: spec for spec in (*_REAL, *_POSITIVE, *_BOUNDED, *_MULTIVARIATE, *_DISCRETE)
}
