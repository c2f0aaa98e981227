"""Every engine by name. Importing this does not import JAX."""

from __future__ import annotations

from ppl.inference.engines.ais import AIS
from ppl.inference.engines.anneal import Anneal
from ppl.inference.engines.gibbs import Gibbs
from ppl.inference.engines.hmc import HMC
from ppl.inference.engines.laplace import Laplace
from ppl.inference.engines.mams import MAMS
from ppl.inference.engines.map import MAP
from ppl.inference.engines.mclmc import MCLMC
from ppl.inference.engines.mh import MH
from ppl.inference.engines.mixed import Mixed
from ppl.inference.engines.nuts import NUTS
from ppl.inference.engines.pathfinder import Pathfinder
from ppl.inference.engines.sghmc import SGHMC
from ppl.inference.engines.sgld import SGLD
from ppl.inference.engines.shared import Settings
from ppl.inference.engines.smc import SMC
from ppl.inference.engines.tempering import Tempering
from ppl.inference.engines.vi import VI

ENGINES: dict[str, type[Settings]] = {
    engine.name: engine
    for engine in (
        NUTS,
        HMC,
        MH,
        Gibbs,
        Mixed,
        SGLD,
        SGHMC,
        MCLMC,
        MAMS,
        Tempering,
        SMC,
        AIS,
        MAP,
        Anneal,
        Laplace,
        Pathfinder,
        VI,
    )
}
