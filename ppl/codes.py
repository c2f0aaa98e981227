"""Every diagnostic code, once. Codes are stable: never reused, never renumbered.

E0xx syntax · E1xx names, dims, indices, types · E2xx distributions and supports · E3xx data ·
E4xx what is not supported, or not by this engine · E5xx while running · E6xx files and options · W1xx warnings
"""

from __future__ import annotations

CODES: dict[str, str] = {
    "E104": "axes do not match",
}
