"""Settings that the engines with stochastic gradients share, and their life."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ppl.inference import minibatch
from ppl.inference.settings import setting

if TYPE_CHECKING:
    from ppl.inference.contract import Life
    from ppl.inference.stochastic.chain import Dynamics


def control_variates() -> Any:
    text = "with minibatches: gradients as differences from a full one near the middle, which takes most noise off"
    return setting("on", text, choices=("on", "off"))


def steps(default: int) -> Any:
    return setting(default, "steps for each iteration, of which the last state is kept", at_least=1)


def step_size(default: float) -> Any:
    text = "step, where 2 is unstable at the largest curvature that warmup saw; less where gradients are noisy"
    return setting(default, text, above=0)


def stochastic_life(
    dynamics: Dynamics, momenta: bool, engine: Any, options: dict[str, float], most: int | None = None
) -> Life:
    """most: steps that an iteration may take, if more than the setting says."""
    from ppl.inference.stochastic.chain import Gradients, StochasticKernel
    from ppl.inference.stochastic.life import StochasticLife
    from ppl.inference.stochastic.tuning import ScaleTuner

    batch = minibatch.parse(engine.minibatch)
    anchored = batch is not None and engine.control_variates == "on"
    numbers = {name: float(getattr(engine, name)) for name in ("step_size", "steps", "warmup", "draws")}
    return StochasticLife(
        kernel=StochasticKernel(dynamics, Gradients(batch is not None, anchored)),
        tuner=ScaleTuner(anchored, engine.warmup),
        warmup=engine.warmup,
        draws=engine.draws,
        precision=engine.precision,
        options={**numbers, **options, "most": float(most or engine.steps)},
        momenta=momenta,
        batch=batch,
    )
