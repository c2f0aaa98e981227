"""Every diagnostic code, once. Codes are stable: never reused, never renumbered.

E0xx syntax · E1xx names, dims, indices, types · E2xx distributions and supports · E3xx data ·
E4xx what is not supported, or not by this engine · E5xx while running · E6xx files and options · W1xx warnings
"""

from __future__ import annotations

CODES: dict[str, str] = {
    "E104": "axes do not match",
    "E301": "data are missing",
    "E302": "data are given twice",
    "E303": "data have the wrong shape",
    "E304": "data have the wrong type",
    "E305": "data have missing or infinite values",
    "E306": "a label is not one of the dim's",
    "E307": "a position is outside its dim",
    "E308": "positions count from 1, not from 0",
    "E309": "data are out of their bounds",
    "E310": "data are outside the support of the distribution that observes them",
    "E311": "the size of a dim is not known",
    "E312": "an entry of the data is no array",
    "E313": "a data file is malformed",
    "E314": "data of an unknown kind",
    "E315": "the order of a dim's labels is not known",
    "E501": "there is nothing to sample",
    "E502": "no starting point has a finite density",
    "E503": "the engine cannot go on",
    "E601": "no such file",
    "E602": "a file cannot be read",
    "E603": "a file is not UTF-8 text",
    "E604": "the output file exists",
    "E605": "the output cannot be written",
    "E606": "not a file of results",
    "E607": "no such engine",
    "E608": "a setting is not valid",
    "W130": "the model does not use an entry of the data",
}
