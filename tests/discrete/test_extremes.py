"""What is summed out, where some of its values are next to impossible, or impossible."""

from __future__ import annotations

import jax
import numpy as np
from scipy import special, stats

from tests.density.from_text import compiled

TEXT = """
dim obs
data y[obs], v[obs]
m ~ Normal(0, 1)
z[obs] ~ Bernoulli(0.3)
y[obs] ~ Normal(m + 9 * z[obs], 1)
q[obs] ~ Bernoulli(0.5)
v[obs] ~ Uniform(0, 1 + q[obs])
"""


def test_values_that_data_all_but_rule_out() -> None:
    """An outlier is 10^1000 times as likely under one value, which does not make that value certain a priori; and an
    element is at fault only where every value of what it reads is impossible."""
    y = np.array([0.3, 300.0, -250.0])
    with jax.enable_x64(True):
        density = compiled(TEXT, {"y": y, "v": np.array([0.5, 1.5, 2.5])})
        u = np.array([0.1])
        found = np.asarray(jax.jit(lambda u: density.log_likelihood(u)["y"])(u))
        faults = {(fault.term, fault.positions["obs"]) for fault in density.diagnose(u)}
    logs = np.log([0.7, 0.3]) + stats.norm([0.1, 9.1], 1).logpdf(y[:, None])
    np.testing.assert_allclose(found, special.logsumexp(logs, axis=1), rtol=1e-12)
    assert faults == {("v", 2)}
