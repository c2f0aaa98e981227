"""The engines: settings, needs and promises, a file each. Nothing here imports JAX before it runs."""
