"""Strict settings for every test: warnings are errors (pyproject.toml), no implicit dtype or rank promotion, two host
devices. Set through the environment, before JAX is imported, so that subprocesses inherit them."""

from __future__ import annotations

import os

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_NUMPY_DTYPE_PROMOTION"] = "strict"
os.environ["JAX_NUMPY_RANK_PROMOTION"] = "raise"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
