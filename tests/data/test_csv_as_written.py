"""CSV files as people have them: numbers with signs, encodings, delimiters, packed, in parts, without names."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from dlspec.core.errors import Problem
from dlspec.data.sources import csv_conversion, csv_table
from dlspec.data.sources.csv import Csv


def values(folder: Path, content: str | bytes, **options: Any) -> dict[str, list[Any]]:
    """All columns of a file."""
    path = options.setdefault("path", "a.csv")
    (folder / path).write_bytes(content.encode() if isinstance(content, str) else content)
    table = Csv(**options).open(folder)
    table.check_named()
    return {name: array.tolist() for name, array in table.read(list(table.columns)).items()}


@pytest.fixture(params=[1 << 30, 1], ids=["parsed whole", "converted"])
def either_way(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are parsed whole, or converted in small pieces."""
    monkeypatch.setattr(csv_table, "CONVERTED_FROM", request.param)
    monkeypatch.setattr(csv_conversion, "_PIECE", 64)
    monkeypatch.setenv("DLSPEC_CACHE", str(tmp_path / "cache"))


@pytest.mark.usefixtures("either_way")
def test_money_percent_and_thousands(tmp_path: Path) -> None:
    text = 'p,q,r,s\n"$1,234.50",12 %,(3),1e3\n€ 5,7%,4,\n"-US$1,000",NA,\u22125,2\nCHF 2\'000.5,0.5 %,"1,000,000",3\n'
    found = values(tmp_path, text, numbers=("p", "q", "r"))
    assert found["p"] == [1234.5, 5, -1000, 2000.5]
    assert str(found["q"]) == "[12.0, 7.0, nan, 0.5]"
    assert found["r"] == [-3, 4, -5, 1_000_000]
    assert str(found["s"]) == "[1000.0, nan, 2.0, 3.0]"


@pytest.mark.usefixtures("either_way")
def test_decimal_comma_and_thousands(tmp_path: Path) -> None:
    text = "a;b;c;d\n1,5;1.000;1.234,5;1,5\n2;2.500;7,25;x\n3,25;12;1.000.000,5;2\n"
    found = values(tmp_path, text, delimiter=";", decimal=",", thousands=".")
    assert found["a"] == [1.5, 2, 3.25]
    assert found["b"] == [1000, 2500, 12]
    assert found["c"] == [1234.5, 7.25, 1_000_000.5]
    assert found["d"] == ["1,5", "x", "2"]
    assert values(tmp_path, 'a,b\n"1,5",2\n3,"4,25"\n', decimal=",") == {"a": [1.5, 3], "b": [2, 4.25]}


@pytest.mark.usefixtures("either_way")
def test_words_for_what_is_missing_and_for_truth(tmp_path: Path) -> None:
    found = values(
        tmp_path, "a,b\n1,ja\n?,nein\n-,ja\n4,?\n",
        missing_words=("?", "-"), true_words=("ja",), false_words=("nein",),
    )  # fmt: skip
    assert str(found["a"]) == "[1.0, nan, nan, 4.0]"
    assert str(found["b"]) == "[1.0, 0.0, 1.0, nan]"


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("x y  name\n1  2\t'A'\n  3 4 \"b c\"\n", {"delimiter": "whitespace"}),
        ("x::y::name\n1::2::'A'\n3::4::b c\n", {"delimiter": "::"}),
        ("made by hand\nx,y,name\r\n1,2,'A'\r\n3,4,b c\r\n", {"skip_rows": 1}),
        ("1,2,'A'\n3,4,b c\n", {"names": ["x", "y", "name"]}),
        ("x,y,name\n1,2,'A'\n3,4,b c\n", {"names": ["x", "y", "name"]}),
        ("x,x,name\n1,2,'A'\n3,4,b c\n", {"names": ["x", "y", "name"], "skip_rows": 1}),
        (gzip.compress(b"x,y,name\n1,2,'A'\n3,4,b c\n", mtime=0), {"path": "a.csv.gz"}),
        (gzip.compress(b"x,y,name\n1,2,'A'\n3,4,b c\n", mtime=0), {"path": "packed.csv"}),
    ],
)  # fmt: skip
def test_one_table_written_in_many_ways(tmp_path: Path, content: str | bytes, options: dict[str, Any]) -> None:
    assert values(tmp_path, content, **options) == {"x": [1, 3], "y": [2, 4], "name": ["'A'", "b c"]}


@pytest.mark.parametrize(
    ("content", "read"),
    [
        ("name,x_2,x\nb,2,1\n", {"x": [1], "name": ["b"], "x_2": [2]}),  # a file of its own, in another order
        ("x_2,x\n2,1\n", {"x": [1], "x_2": [2]}),
        ("x,x,name\n1,2,b\n", {"x": [1], "name": ["b"], "x_2": [2]}),  # that of the training
        ("p,q,r\n1,2,b\n", {"x": [1], "name": ["b"], "x_2": [2]}),
        ("name\n1,2,b\n", {"x": [1], "name": ["b"], "x_2": [2]}),  # a title
    ],
)
def test_a_file_with_names_of_its_own_is_read_by_them(tmp_path: Path, content: str, read: dict[str, Any]) -> None:
    assert values(tmp_path, content, names=["x", "x_2", "name"], skip_rows=1) == read


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "latin-1", "utf-8"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    assert values(tmp_path, "größe\nblü\n".encode(encoding), encoding=encoding) == {"größe": ["blü"]}


def test_zstd(tmp_path: Path) -> None:
    import pyarrow as pa

    with pa.CompressedOutputStream(str(tmp_path / "a.csv.zst"), "zstd") as stream:
        stream.write(b"a,b\n1,2\n")
    assert list(Csv(path="a.csv.zst").open(tmp_path).read(["b"])["b"]) == [2]


def test_lines_of_a_packed_file_without_names(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"skipped\n1,2\n3,x\n"))
    table = Csv(path="a.csv.gz", names=["a", "b"], skip_rows=1).open(tmp_path)
    assert table.columns["b"].count == 2
    assert table.where(1) == "a.csv.gz, line 3"


def test_files_of_one_table_have_one_type_for_a_column(tmp_path: Path) -> None:
    (tmp_path / "p1.csv").write_text("code,n,only,empty\n07,1,1,\n08,2,1,\n")
    (tmp_path / "p2.csv").write_text("empty,n,code\n1.5,2.5,x9\n")
    table = Csv(path="p*.csv").open(tmp_path)
    assert {name: column.tensor.dtype for name, column in table.columns.items()} == {
        "code": "string", "n": "float64", "only": "int64", "empty": "float64",
    }  # fmt: skip
    arrays = table.read(["code", "n", "empty"])
    assert arrays["code"].tolist() == ["07", "08", "x9"]
    assert arrays["n"].tolist() == [1, 2, 2.5]
    assert str(arrays["empty"].tolist()) == "[nan, nan, 1.5]"
    assert table.where(2) == "p2.csv, line 2"
    with pytest.raises(Problem, match=r"`p2.csv` has no column `only`, `p1.csv` has"):
        table.find("only", "")


@pytest.mark.parametrize(
    ("cells", "help"),
    [
        (["$1,200", "$3"], "`numbers: [a]` in `csv` reads `$1,200` as 1200"),
        (["12 %", "7 %"], "`numbers: [a]` in `csv` reads `12 %` as 12"),
        (["1,5", "2,25"], '`decimal: ","` in `csv` reads `1,5` as 1.5'),
        (
            ["1,500", "2,250"],
            '`numbers: [a]` in `csv` reads `1,500` as 1500, `decimal: ","` in `csv` reads `1,500` as 1.500',
        ),
        (
            ["1", "?", "3", "4"],
            'if `?` stands for a missing value, write `missing_words: ["?"]` in `csv`; else correct the value',
        ),
        (
            ["yes", "no"],
            '`true_words: ["yes"], false_words: ["no"]` in `csv` read them as true and false; '
            "or prepare words with `string_lookup`",
        ),
        (["1", "oops", "3", "4"], "correct it"),
        (["1", "1_5", "3", "4"], "correct it"),
        (["1", "1٣", "3", "4"], "correct it"),
        (["1", "15\u00a0", "3"], "`numbers: [a]` in `csv` reads `15\u00a0` as 15"),
        (["1", "1,5", "3"], '`decimal: ","` in `csv` reads `1,5` as 1.5'),
    ],
)
def test_what_to_write_for_words_in_place_of_numbers(tmp_path: Path, cells: list[str], help: str) -> None:
    (tmp_path / "a.csv").write_text("a,b\n" + "".join(f'"{cell}",1\n' for cell in cells))
    assert Csv(path="a.csv").open(tmp_path).contents("a", "correct it").help == help


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoding": "klingon"}, "there is no encoding `klingon`"),
        ({"thousands": "."}, "`.` cannot stand both before the fraction and between thousands"),
        ({"texts": ("a",), "numbers": ("a",)}, "column `a` stands both in `texts` and in `numbers`"),
        ({"true_words": ("y",), "false_words": ("y",)}, "`y` stands both in `true_words` and in `false_words`"),
    ],
)
def test_options_that_contradict_each_other(options: dict[str, Any], message: str) -> None:
    with pytest.raises(Problem, match=r".") as caught:
        Csv(path="a.csv", **options).validate()
    assert caught.value.args[0] == message


@pytest.mark.parametrize(
    ("content", "options", "code", "message", "option"),
    [
        ("a,b\n$1,2\nfree,3\n", {"numbers": ("a",)}, "E603", "column `a` holds `free`, expected a number", "numbers"),
        ("a,b\n1,2\n", {"numbers": ("c",)}, "E602", "the source has no column `c`", "numbers"),
        ("1,2\n3,4\n", {"names": ["a"]}, "E608", "`names` has 1 name, the rows of `a.csv` have 2 values", "names"),
        ("a,a\n1,2\n", {}, "E608", "`a.csv` has two columns named `a`", "path"),
        (b"a\n\x9d\n", {"encoding": "cp1252"}, "E608", "`a.csv` is not in the encoding `cp1252`", "path"),
    ],
)
def test_mistakes(
    tmp_path: Path, content: str | bytes, options: dict[str, Any], code: str, message: str, option: str
) -> None:
    with pytest.raises(Problem, match=r".") as caught:
        values(tmp_path, content, **options)
    assert (caught.value.code, caught.value.args[0], caught.value.option) == (code, message, option)
