"""Random numbers of a transition, all from one call of a counter-based generator.

Threefry 2x32 (Salmon et al. 2011) at the counters (number, 0), (number, 1), ... under the chain's key gives the words
of transition `number`, so that no draw depends on how the run was cut into pieces. Where many single numbers are needed
one at a time, a hash of a counter under two of those words is enough: the finaliser of MurmurHash3 (Appleby 2011),
whose increments are those of SplitMix (Steele, Lea & Flood 2014). One call of each keeps the program small: a
program of many generators spends most of its compile time on them.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.random import threefry_2x32


def words(key: jax.Array, number: jax.Array, count: int) -> jax.Array:
    """(2,) uint32 key and () uint32 number -> (count,) uint32 words."""
    half = (count + 1) // 2
    counters = jnp.concatenate([jnp.full(half, number, jnp.uint32), jnp.arange(half, dtype=jnp.uint32)])
    generated: jax.Array = threefry_2x32(key, counters)
    return generated[:count]


def uniform(bits: jax.Array, dtype: Any) -> jax.Array:
    """Words -> numbers strictly between 0 and 1, on a grid of 2^-32 (2^-23 in float32)."""
    if dtype == jnp.float32:
        bits, grid = bits >> jnp.uint32(9), 2.0**-23
    else:
        grid = 2.0**-32
    between: jax.Array = (bits.astype(dtype) + jnp.array(0.5, dtype)) * jnp.array(grid, dtype)
    return between


def words_for_normals(count: int) -> int:
    """How many words `count` normals take."""
    return count + count % 2


def normals(bits: jax.Array, count: int, dtype: Any) -> jax.Array:
    """The first words -> (count,) independent standard normals (Box & Muller 1958)."""
    half = words_for_normals(count) // 2
    radius = jnp.sqrt(-2 * jnp.log(uniform(bits[:half], dtype)))
    angle = (2 * math.pi) * uniform(bits[half : 2 * half], dtype)
    return jnp.concatenate([radius * jnp.cos(angle), radius * jnp.sin(angle)])[:count]


def hashed(seeds: jax.Array, counter: jax.Array) -> jax.Array:
    """(2,) uint32 seeds, () integer -> () uint32 word."""
    state = seeds[0] + counter.astype(jnp.uint32) * jnp.uint32(0x9E3779B9)
    return _mixed(_mixed(state) ^ seeds[1])


def _mixed(word: jax.Array) -> jax.Array:
    word = (word ^ (word >> jnp.uint32(16))) * jnp.uint32(0x85EBCA6B)
    word = (word ^ (word >> jnp.uint32(13))) * jnp.uint32(0xC2B2AE35)
    mixed: jax.Array = word ^ (word >> jnp.uint32(16))
    return mixed
