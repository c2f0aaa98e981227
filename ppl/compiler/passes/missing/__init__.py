"""Missing elements of observed data become quantities of the model: latents of the engine, or draws after sampling.

With y = (y_obs, y_mis), the posterior is that of p(y_obs, y_mis, theta). Elements that no other term reads integrate
out of it to 1, so they are left out of the density and drawn from their distribution given each draw of the others,
which is the same joint law (Little and Rubin 2019, chapter 6). The missing part of a Gaussian vector that nothing else
reads integrates out too, and is drawn from its conditional given the part that is there.
"""
