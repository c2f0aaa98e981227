"""Reading data: files, Python values, pandas and xarray objects → raw arrays, or an error that says where."""

from __future__ import annotations

import contextlib
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import ppl
from ppl.data import load
from ppl.errors import Exit, PplError


def written(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_json(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "d.json",
        '{"J": 2, "y": [1, 2.5], "X": [[1, 2, 3], [4, 5, 6]], "school": ["a", "b"], "u": {"b": 1, "a": 2},'
        ' "gap": [1, null], "flag": [true, false], "mixed": [1, "x"], "ragged": [[1], [2, 3]], "none": []}',
    )
    data = load(path)
    assert data["J"].values.shape == ()
    np.testing.assert_array_equal(data["y"].values, [1, 2.5])
    assert data["X"].values.shape == (2, 3)
    assert data["X"].values.dtype.kind == "i"
    assert data["school"].values.tolist() == ["a", "b"]
    assert data["u"].labels == (("b", "a"),)
    assert np.isnan(data["gap"].values[1])
    assert data["flag"].values.dtype == bool
    assert data["mixed"].values.dtype == object
    assert data["ragged"].problem == "ragged[0] has 1 entry, but ragged[1] has 2 entries"
    assert data["none"].values.shape == (0,)
    assert data["y"].origin == "d.json"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"y": [1, 2,]}', "line 1, column"),
        ('{\n "y": [1, 2\n', "line 3, column 1"),
        ("", "line 1, column 1"),
        ("[1, 2]", "no object with named entries"),
        ('{"y": 1, "y": 2}', "`y` is given twice"),
        ("[" * 100_000, "nested too deeply"),
        ('{"y": ' + "1" * 5000 + "}", "not readable as JSON"),
    ],
)
def test_malformed_json(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PplError, match="E313") as caught:
        load(written(tmp_path, "d.json", text))
    assert message in str(caught.value)
    assert caught.value.exit_code == Exit.INVALID


def endless(*first: object) -> list[object]:
    value: list[object] = [*first]
    value += [value, value]
    return value


def nested(depth: int, inner: object = 1.0) -> object:
    for _ in range(depth):
        inner = [inner]
    return inner


def test_depth_of_lists_is_limited(tmp_path: Path) -> None:
    data = load({"a": nested(70), "b": nested(3000), "c": endless(), "d": endless(1), "e": nested(70, {"x": 1})})
    said = "its lists are nested more than 32 deep"
    assert {name: entry.problem for name, entry in data.items()} == dict.fromkeys("abcde", said)
    assert load({"a": nested(32)})["a"].values.ndim == 32
    keys, values = '{"k":' * 400, "}" * 400
    assert load(written(tmp_path, "d.json", f'{{"y": {keys}1{values}}}'))["y"].problem == said


def test_numbers_beyond_64_bits_are_no_traceback(tmp_path: Path) -> None:
    data = load(written(tmp_path, "d.json", '{"n": [1, 100000000000000000000000000], "x": 1e999}'))
    assert data["n"].values.shape == (2,)
    assert np.isinf(data["x"].values)


def test_csv(tmp_path: Path) -> None:
    path = written(tmp_path, "d.csv", '\ufeffcounty,floor,y,n,note\r\nAnoka,0,1.5,3,\r\n"Le, Sueur",1,NA,4,x\r\n')
    data = load(path)
    assert data["county"].values.tolist() == ["Anoka", "Le, Sueur"]
    assert data["floor"].values.dtype.kind == "i"
    assert np.isnan(data["y"].values[1])
    assert data["n"].values.tolist() == [3, 4]
    assert data["note"].values.tolist() == [None, "x"]


def test_csv_separators(tmp_path: Path) -> None:
    assert load(written(tmp_path, "d.csv", "a;b\n1;2\n"))["b"].values.tolist() == [2]
    assert load(written(tmp_path, "d.tsv", "a\tb\n1\t2\n"))["b"].values.tolist() == [2]


def test_csv_fields_are_what_they_say(tmp_path: Path) -> None:
    text = "g,n,id,k,part\nA ,1_000, 1,1,1\nA,2,2 ,K,\n\tB,3,3,1.0,x\n"
    data = load(written(tmp_path, "d.csv", text))
    assert data["g"].values.tolist() == ["A", "A", "B"]
    assert data["n"].values.tolist() == ["1_000", "2", "3"]
    assert data["id"].values.tolist() == [1, 2, 3]
    assert data["k"].values.tolist() == ["1", "K", "1.0"]
    assert data["part"].values.tolist() == ["1", None, "x"]
    numbers = load(written(tmp_path, "d.csv", "a,b\n+1.,-inf\n.5e-3,\n"))
    assert numbers["a"].values.tolist() == [1.0, 0.0005]
    assert numbers["b"].values[0] == -np.inf


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3\n", "line 3 has 1 fields, but the header names 2 columns"),
        ("", "the file is empty"),
        ("a,a\n1,2\n", "two columns are called `a`"),
    ],
)
def test_malformed_csv(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PplError, match="E313") as caught:
        load(written(tmp_path, "d.csv", text))
    assert message in str(caught.value)


def test_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", y=np.arange(3.0), label=np.array(["a", "b"]), bad=np.array([{}], dtype=object))
    data = load(tmp_path / "d.npz")
    assert data["y"].values.tolist() == [0, 1, 2]
    assert data["label"].values.dtype.kind == "U"
    assert "never loaded" in str(data["bad"].problem)
    np.save(tmp_path / "one.npy", np.arange(3))
    for path in (
        written(tmp_path, "text.npz", "hello"),
        written(tmp_path, "cut.npz", (tmp_path / "d.npz").read_bytes()[:50]),
        written(tmp_path, "single.npz", (tmp_path / "one.npy").read_bytes()),
        written(tmp_path, "empty.npz", b""),
    ):
        with pytest.raises(PplError, match="E313"):
            load(path)


def test_npz_members_of_other_kinds_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    np.savez(
        path,
        c=np.array([1 + 2j]),
        when=np.array(["2020-01-01"], dtype="datetime64[D]"),
        raw=np.array([b"a"]),
        rows=np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        y=np.arange(2.0),
    )
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("note.txt", "hello")
        archive.writestr("cut.npy", b"\x93NUMPY\x01\x00")
        archive.writestr("header.npy", b"\x93NUMPY\x01\x00\x04\x00{(]\n")
    data = load(path)
    assert data["y"].problem is None
    given = load({"c": np.array([1j]), "when": np.array(["2020-01-01"], dtype="datetime64[ns]"), "raw": np.bytes_("a")})
    assert {name: entry.problem for name, entry in given.items()} == {n: data[n].problem for n in ("c", "when", "raw")}
    problems = {name: str(entry.problem) for name, entry in data.items() if name != "y"}
    assert {name: words.split("; ")[0] for name, words in problems.items() if "damaged" not in words} == {
        "c": "it holds complex numbers",
        "when": "it holds dates",
        "raw": "it holds bytes",
        "rows": "it holds records",
        "note.txt": "it is a file of another kind inside the archive",
    }
    assert {name for name, words in problems.items() if "damaged" in words} == {"cut", "header"}


def test_a_damaged_npz_never_escapes(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "d.npz", y=np.arange(50.0), label=np.array(["a", "b"]))
    whole = (tmp_path / "d.npz").read_bytes()
    for at in range(0, len(whole), 3):
        path = written(tmp_path, "damaged.npz", whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        with contextlib.suppress(PplError):
            load(path)


def test_files_that_are_not_there_or_not_readable(tmp_path: Path) -> None:
    written(tmp_path, "schools.json", "{}")
    with pytest.raises(PplError, match=r"(?s)E601.*did you mean.*schools.json") as caught:
        load(tmp_path / "school.json")
    assert caught.value.exit_code == Exit.NO_FILE
    with pytest.raises(PplError, match="E603"):
        load(written(tmp_path, "latin.json", b'{"y": "\xe9"}'))
    with pytest.raises(PplError, match="E314"):
        load(written(tmp_path, "d.xlsx", "x"))
    with pytest.raises(PplError, match="E601"):
        load(tmp_path / "d.xlsx2")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(PplError, match="E602"):
        load(tmp_path / "folder.json")


def test_several_files(tmp_path: Path) -> None:
    one, two = written(tmp_path, "a.json", '{"x": 1}'), written(tmp_path, "b.csv", "y\n1\n")
    assert set(load([one, two])) == {"x", "y"}
    with pytest.raises(PplError, match=r"E302.*`x` is given twice: in a.json and c.json"):
        load([one, written(tmp_path, "c.json", '{"x": 2}')])


def test_names_are_given_once_whatever_their_spelling() -> None:
    with pytest.raises(PplError, match=r"E302.*`fi` is given twice: in the data"):
        load({"fi": 1, "ﬁ": 2})
    frame = pd.DataFrame([[1, 2, 3]], columns=["y", "y", "x"])
    with pytest.raises(PplError, match=r"E302.*`y` is given twice: in the data frame"):
        load(frame)
    with pytest.raises(PplError, match=r"E302.*`1` is given twice"):
        load(pd.DataFrame([[1, 2]], columns=[1, "1"]))


@pytest.mark.parametrize("suffix", [".json", ".csv", ".npz", ".xlsx"])
def test_a_name_longer_than_any_file_has(tmp_path: Path, suffix: str) -> None:
    for path in (tmp_path / ("a" * 300 + suffix), tmp_path / ("a" * 300) / f"d{suffix}"):
        with pytest.raises(PplError, match="E601") as caught:
            load(path)
        assert caught.value.exit_code == Exit.NO_FILE


def test_python_values() -> None:
    data = load({"a": 1, "b": [1, 2], "c": np.arange(3), "d": {"u": 1.0, "v": 2.0}, "e": (True, False), "f": "text"})
    assert [data[k].values.shape for k in "abcdef"] == [(), (2,), (3,), (2,), (2,), ()]
    assert data["d"].labels == (("u", "v"),)
    with pytest.raises(PplError, match=r"E314.*given as `int`"):
        load(3)
    odd = load({"range": range(2), "generator": (i for i in range(2)), "set": {1, 2}})
    assert odd["range"].values.tolist() == [0, 1]
    assert odd["generator"].problem == "it is a `generator`; give a list or an array"
    assert odd["set"].problem == "it is a `set`; give a list or an array"
    masked = load({"y": np.ma.masked_less([-5.0, 2.0, 3.0], 0), "n": np.ma.masked_equal([[1, 2]], 2)})
    assert np.isnan(masked["y"].values).tolist() == [True, False, False]
    assert np.isnan(masked["n"].values).tolist() == [[False, True]]


def test_pandas() -> None:
    frame = pd.DataFrame(
        {"y": [1.0, 2.0], "name": ["p", None], "kind": pd.Categorical(["u", "v"]), "n": pd.array([1, None], "Int64")},
        index=pd.Index(["A", "B"], name="school"),
    )
    data = load(frame)
    assert data["y"].labels == (("A", "B"),)
    assert data["school"].values.tolist() == ["A", "B"]
    assert data["name"].values.tolist() == ["p", None]
    assert data["kind"].values.tolist() == ["u", "v"]
    assert np.isnan(float(data["n"].values[1]))
    values = load({"s": frame["y"], "m": pd.DataFrame([[1, 2]], columns=["a", "b"]), "plain": pd.Series([1, 2])})
    assert values["s"].labels == (("A", "B"),)
    assert values["m"].labels == (("0",), ("a", "b"))
    assert values["plain"].labels == (("0", "1"),)
    table = pd.concat([frame, frame], ignore_index=True).iloc[[2, 0]]
    assert load(table)["y"].labels == (("2", "0"),)
    # Columns of one table belong together, whatever its rows are called.
    assert load(pd.DataFrame({"y": [1, 2]}, index=[0, 0]))["y"].labels == (None,)
    assert load({"y": pd.Series([1, 2], index=[0, 0])})["y"].labels == (("0", "0"),)
    # Levels of an index that have names are columns.
    levels = pd.MultiIndex.from_arrays([["a", "a", "b"], [0.5, 0.5, 1.5]], names=["g", "x"])
    data = load(pd.DataFrame({"y": [1, 2, 3]}, index=levels))
    assert data["g"].values.tolist() == ["a", "a", "b"]
    assert data["x"].values.tolist() == [0.5, 0.5, 1.5]
    assert data["y"].labels == (None,)
    model = ppl.compile("dim obs\ndata y[obs]\nmu ~ Normal(0, 1)\ny[obs] ~ Normal(mu, 1)")
    with pytest.raises(PplError, match=r"`r` labels more than one element\n    = .*reset_index\(\)"):
        model.bind(pd.DataFrame({"y": [1, 2]}, index=["r", "r"]))


def test_xarray() -> None:
    array = xr.DataArray([[1.0, 2.0, 3.0]], dims=("time", "species"), coords={"species": ["a", "b", "c"]}, name="y")
    data = load(xr.Dataset({"y": array, "x": ("time", [1])}))
    assert data["y"].dims == ("time", "species")
    assert data["y"].labels == (None, ("a", "b", "c"))
    assert load({"y": array})["y"].labels == (None, ("a", "b", "c"))
