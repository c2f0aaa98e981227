"""Diffusion models on an array of modes: noise is what the array does by itself, and a regulator undoes it.

noising = Noising()
result = reverse(noising, Mixture.ring(8, 2.0, 0.1), Regulator(period=0.0025), draws=1000, seed=0)
"""

from ppl.hardware.analogue.diffusion.learning import Learnt, learn
from ppl.hardware.analogue.diffusion.noising import Noising
from ppl.hardware.analogue.diffusion.prediction import Prediction, predicted
from ppl.hardware.analogue.diffusion.quality import Comparison, compared
from ppl.hardware.analogue.diffusion.reversal import Ledger, Regulator, Reversed, reverse
from ppl.hardware.analogue.diffusion.scores import Mixture, Score
from ppl.hardware.analogue.diffusion.software import flow

__all__ = [
    "Comparison",
    "Learnt",
    "Ledger",
    "Mixture",
    "Noising",
    "Prediction",
    "Regulator",
    "Reversed",
    "Score",
    "compared",
    "flow",
    "learn",
    "predicted",
    "reverse",
]
