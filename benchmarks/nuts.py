"""NUTS against the bare gradient, NumPyro and BlackJAX, on ten densities: `python benchmarks/nuts.py`.

Every sampler gets the very same log density, 4 chains of 1000 + 1000 iterations, target acceptance 0.8, depth 10,
float64, and its chains in parallel on the cores there are (NumPyro a host device a chain, BlackJAX and ours a thread a
chain). Each pair of sampler and density runs in a process of its own, twice: with an empty and then a filled
compilation cache. All processes have the environment that `ppl` gives its own (`ppl.inference.runtime`), unless
`--plain-peers`. ESS is the least bulk ESS of any coordinate, by ArviZ. The bare gradient is `value_and_grad` in a
compiled loop, timed in the same process as the sampler's steps, which are those of one chain after its warmup.

What a transition costs beside its steps is counted into them, and so a step looks dearer to the sampler with shorter
trajectories. Steps are therefore also timed alike: ours with the peers' metric and adaptation, Stan's.
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SAMPLERS = ("ours", "numpyro", "blackjax")
CHAINS, WARMUP, DRAWS = 4, 1000, 1000
BEGAN = time.perf_counter()


# One sampler on one density, in a process of its own.


class Compilation:
    """Seconds that JAX has spent tracing and compiling so far."""

    def __init__(self) -> None:
        import jax

        self.seconds = {"trace": 0.0, "compile": 0.0}
        jax.monitoring.register_event_duration_secs_listener(self._note)

    def _note(self, event: str, seconds: float, **_: Any) -> None:
        if event.endswith("backend_compile_duration"):
            self.seconds["compile"] += seconds
        elif event.endswith(("jaxpr_trace_duration", "jaxpr_to_mlir_module_duration")):
            self.seconds["trace"] += seconds


def ours(model: Any) -> Any:
    """Functions: a whole run (positions); sampling alone (positions, seconds); one chain (seconds, steps) by manner."""
    import jax
    import numpy as np

    from ppl.inference.engines.nuts import NUTS
    from ppl.inference.hamiltonian import program
    from ppl.inference.hamiltonian.nuts import NUTSKernel

    def run(seed: int, engine: NUTS) -> tuple[Any, Any, float]:
        carry = engine.start(model, jax.random.split(jax.random.key(seed), CHAINS))
        positions, seconds = [], 0.0
        while not engine.done(carry):
            began = time.perf_counter()
            carry, chunk = engine.advance(model, carry)
            if not chunk.warmup:
                positions.append(chunk.positions)
                seconds += time.perf_counter() - began
        return carry["states"], np.concatenate(positions, axis=1), seconds

    @functools.cache
    def after_warmup(engine: NUTS) -> Any:
        return jax.tree.map(lambda leaf: leaf[0], run(2, engine)[0])

    def one_chain(engine: NUTS) -> tuple[float, int]:
        state = after_warmup(engine)
        capacity = int(np.clip(2**18 // model.size, 16, 1024))
        settings = (np.int32(WARMUP), np.float64(0.8), {"divergence_threshold": np.float64(1000.0)})
        began = time.perf_counter()
        _, rows = program.run_chain(NUTSKernel(10), capacity, model, state, np.int32(min(capacity, DRAWS)), *settings)
        steps = np.asarray(rows.n_steps)[:DRAWS]
        return time.perf_counter() - began, int(steps.sum())

    engine = NUTS(warmup=WARMUP, draws=DRAWS)
    alike = NUTS(warmup=WARMUP, draws=DRAWS, metric="diagonal", adaptation="stan")
    chains = {"step": functools.partial(one_chain, engine), "alike": functools.partial(one_chain, alike)}
    return lambda: run(1, engine)[1], lambda: run(2, engine)[1:], chains


def numpyro(model: Any) -> Any:
    import jax
    import numpy as np
    from numpyro.infer import MCMC, NUTS

    kernel = NUTS(potential_fn=lambda u: -model.log_density(u))
    all_chains = MCMC(
        kernel,
        num_warmup=WARMUP,
        num_samples=DRAWS,
        num_chains=CHAINS,
        chain_method="parallel",
        progress_bar=False,
    )

    @jax.jit
    def chain(state: Any) -> Any:
        def step(state: Any, _: None) -> Any:
            state = kernel.sample(state, (), {})
            return state, (state.z, state.num_steps)

        return jax.lax.scan(step, state, None, length=DRAWS)[1][1]

    def whole() -> Any:
        starts = np.random.default_rng(1).uniform(-2, 2, (CHAINS, model.size))
        all_chains.run(jax.random.key(1), init_params=starts, extra_fields=("num_steps",))
        return np.asarray(all_chains.get_samples(group_by_chain=True))

    def sampling() -> tuple[Any, float]:
        seconds = math.inf
        for seed in (2, 3):
            all_chains.post_warmup_state = all_chains.last_state
            began = time.perf_counter()
            all_chains.run(jax.random.key(seed), extra_fields=("num_steps",))
            positions = np.asarray(all_chains.get_samples(group_by_chain=True))
            seconds = time.perf_counter() - began
        return positions, seconds

    def one_chain() -> tuple[float, int]:
        start = jax.tree.map(lambda leaf: leaf[0], all_chains.last_state)
        began = time.perf_counter()
        steps = jax.block_until_ready(chain(start._replace(rng_key=jax.random.key_data(jax.random.key(5)))))
        return time.perf_counter() - began, int(np.asarray(steps).sum())

    return whole, sampling, {"step": one_chain}


def blackjax(model: Any) -> Any:
    import blackjax as library
    import jax
    import numpy as np

    adaptation = library.window_adaptation(library.nuts, model.log_density, target_acceptance_rate=0.8)
    tuned: list[Any] = []

    @jax.jit
    def warm(key: Any, start: Any) -> Any:
        (state, parameters), _ = adaptation.run(key, start, num_steps=WARMUP)
        return state, parameters["step_size"], parameters["inverse_mass_matrix"]

    @jax.jit
    def sample(key: Any, state: Any, step_size: Any, inverse_mass: Any) -> Any:
        kernel = library.nuts(model.log_density, step_size=step_size, inverse_mass_matrix=inverse_mass)

        def step(state: Any, key: Any) -> Any:
            state, info = kernel.step(key, state)
            return state, (state.position, info.num_integration_steps)

        return jax.lax.scan(step, state, jax.random.split(key, DRAWS))[1]

    def threads(function: Any, arguments: Any) -> list[Any]:
        with ThreadPoolExecutor(min(CHAINS, os.cpu_count() or 1)) as pool:
            return list(pool.map(lambda one: jax.block_until_ready(function(*one)), arguments))

    def sampled(seed: int) -> Any:
        keys = jax.random.split(jax.random.key(seed), CHAINS)
        results = threads(sample, [(key, *one) for key, one in zip(keys, tuned, strict=True)])
        return np.stack([np.asarray(positions) for positions, _ in results])

    def whole() -> Any:
        keys = jax.random.split(jax.random.key(1), CHAINS)
        starts = np.random.default_rng(1).uniform(-2, 2, (CHAINS, model.size))
        tuned.extend(threads(warm, list(zip(keys, starts, strict=True))))
        return sampled(7)

    def sampling() -> tuple[Any, float]:
        began = time.perf_counter()
        positions = sampled(8)
        return positions, time.perf_counter() - began

    def one_chain() -> tuple[float, int]:
        began = time.perf_counter()
        _, steps = jax.block_until_ready(sample(jax.random.key(9), *tuned[0]))
        return time.perf_counter() - began, int(np.asarray(steps).sum())

    return whole, sampling, {"step": one_chain}


def bare_gradient(model: Any, u: Any) -> Any:
    """A function of a number of steps: seconds that the gradient takes in a compiled loop of so many."""
    import jax

    @jax.jit
    def loop(model: Any, u: Any, count: Any) -> Any:
        def body(state: Any) -> Any:
            i, u, total = state
            value, gradient = jax.value_and_grad(model.log_density)(u)
            return i + 1, u + 1e-9 * gradient, total + value

        return jax.lax.while_loop(lambda state: state[0] < count, body, (0, u, 0.0))

    def seconds(count: int) -> float:
        began = time.perf_counter()
        jax.block_until_ready(loop(model, u, count))
        return time.perf_counter() - began

    return seconds


def least_ess(positions: Any) -> float:
    import arviz

    return min(float(arviz.ess(positions[..., i], method="bulk")) for i in range(positions.shape[2]))


def measure(sampler: str, name: str, steps: bool) -> dict[str, float]:
    import jax

    import_module(
        {"ours": "ppl.inference.hamiltonian.nuts", "numpyro": "numpyro.infer", "blackjax": "blackjax"}[sampler]
    )
    imported = time.perf_counter() - BEGAN
    compilation = Compilation()
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    import densities

    model = jax.device_put(densities.models()[name])
    began = time.perf_counter()
    whole, sampling, chains = {"ours": ours, "numpyro": numpyro, "blackjax": blackjax}[sampler](model)
    positions = whole()
    total = time.perf_counter() - began
    cold = dict(compilation.seconds)
    result = {"import": imported, **cold, "run": total - cold["trace"] - cold["compile"], "cold": imported + total}
    result["cold_ess"] = least_ess(positions)
    if not steps:
        return result
    positions, seconds = sampling()
    result |= {"ess": least_ess(positions), "sampling": seconds}
    bare = bare_gradient(model, positions[0, -1])
    bare(100)
    count = max(100, int(0.02 * 100 / min(bare(100) for _ in range(3))))
    for one_chain in chains.values():
        one_chain()
    taken = [(bare(count) / count, *(one_chain() for one_chain in chains.values())) for _ in range(7)]
    result["bare"] = min(one[0] for one in taken) * 1e6
    for i, manner in enumerate(chains, 1):
        result[manner] = min(one[i][0] / one[i][1] for one in taken) * 1e6
    return result


# All of them, and the tables.


def in_process(sampler: str, name: str, cache: str, steps: bool, plain: bool) -> dict[str, float]:
    sys.path.insert(0, str(ROOT))
    from ppl.inference import runtime

    variables = dict(os.environ) | {"JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu"}
    if plain and sampler != "ours":
        variables |= {"JAX_COMPILATION_CACHE_DIR": cache, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1"}
    else:
        variables |= runtime.environment(variables, Path(cache))
    if sampler == "numpyro":
        flags = variables.get("XLA_FLAGS", "")
        variables["XLA_FLAGS"] = f"{flags} --xla_force_host_platform_device_count={CHAINS}".strip()
    variables["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, __file__, "--one", sampler, name, *(["--steps"] if steps else [])]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{sampler} on {name} failed:\n{done.stderr[-3000:]}")
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def table(title: str, header: list[str], rows: list[list[str]]) -> None:
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    print(f"\n{title}\n")
    for row in [header, ["-" * width for width in widths], *rows]:
        first, *others = (f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))
        print("  ".join([f"{first.strip():<{widths[0]}}", *others]))


def report(results: dict[str, dict[str, dict[str, float]]]) -> None:
    others = SAMPLERS[1:]
    rows, slow, over, over_alike = [], [], [], []
    for name, by in results.items():
        bare = min(by[sampler]["bare"] for sampler in SAMPLERS)  # the same function in each process
        row = [name, f"{bare:.2f}"]
        for sampler in SAMPLERS:
            row += [f"{by[sampler]['step']:.2f}", f"{by[sampler]['step'] - bare:.2f}"]
        mine, alike = (by["ours"][manner] - bare for manner in ("step", "alike"))
        ratio = by["ours"]["step"] / bare
        rows.append([*row, f"{alike:.2f}", f"{ratio:.2f}"])
        if bare > 5 and ratio > 1.5:
            slow.append(f"{name} ({ratio:.2f})")
        over += [f"{name} ({s})" for s in others if by[s]["step"] - bare < mine]
        over_alike += [f"{name} ({s})" for s in others if by[s]["step"] - bare < alike]
    heads = [word for sampler in SAMPLERS for word in (sampler, "- bare")]
    table(
        "Microseconds a leapfrog step, one chain", ["density", "bare", *heads, "ours alike - bare", "ours/bare"], rows
    )
    print(f"\nOver 1.5 times a bare gradient of more than 5 µs: {', '.join(slow) or 'none'}.")
    print(f"A peer's overhead of a step is lower: {', '.join(over) or 'nowhere'}.")
    print(f"A peer's overhead of a step is lower than ours alike: {', '.join(over_alike) or 'nowhere'}.")

    for title, ess, seconds in (
        ("Effective draws a second, sampling only", "ess", "sampling"),
        ("Effective draws a second, from a cold start", "cold_ess", "cold"),
    ):
        rows, lost = [], []
        for name, by in results.items():
            rates = {sampler: by[sampler][ess] / by[sampler][seconds] for sampler in SAMPLERS}
            best = max(rates[sampler] for sampler in others)
            rows.append([name, *(f"{rates[s]:,.0f}" for s in SAMPLERS), f"{rates['ours'] / best:.2f}"])
            if rates["ours"] < best:
                lost.append(f"{name} ({rates['ours'] / best:.2f})")
        table(title, ["density", *SAMPLERS, "ours/best peer"], rows)
        print(
            f"\nMore than both peers on {len(rows) - len(lost)} of {len(rows)}; less on: {', '.join(lost) or 'none'}."
        )

    for title, suffix in (("Cold start, seconds", ""), ("Second start, with a filled cache, seconds", "2")):
        rows = []
        parts = ("import", "trace", "compile", "run", "cold")
        for name, by in results.items():
            for sampler in SAMPLERS:
                one = by[sampler + suffix] if suffix else by[sampler]
                rows.append([f"{name}, {sampler}", *(f"{one[part]:.2f}" for part in parts)])
        table(title, ["", "import", "trace", "compile", "run", "in all"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--models", help="names of densities, with commas between; all by default")
    parser.add_argument("--plain-peers", action="store_true", help="peers without the environment that ppl sets")
    parser.add_argument("--json", type=Path, help="a file for all numbers")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--steps", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(*options.one, options.steps)))
        return
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    import densities

    names = options.models.split(",") if options.models else list(densities.models())
    results: dict[str, dict[str, dict[str, float]]] = {name: {} for name in names}
    for name in names:
        for sampler in SAMPLERS:
            with tempfile.TemporaryDirectory() as cache:
                results[name][sampler] = in_process(sampler, name, cache, True, options.plain_peers)
                results[name][sampler + "2"] = in_process(sampler, name, cache, False, options.plain_peers)
            print(f"{name}, {sampler}: done", file=sys.stderr, flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    report(results)


if __name__ == "__main__":
    main()
