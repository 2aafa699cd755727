"""CSV and XLSX files: encodings, broken rows, and what is no table at all."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from consumers import FileMapping, Import, Piece, Row, Unusable
from domain.case.commands import AddNote
from domain.kernel import Actor, ActorKind, Private, Role
from domain.request import Request

CLERK = Actor(kind=ActorKind.SYSTEM, id="test", role=Role.SERVICE)


def note(row: Row) -> list[Request]:
    words = ",".join(other.text("说明") for other in row.group)
    command = AddNote(case_id=f"douyin:s1:{row.id('单号')}", private=Private(text=words))
    return [row.ask(row.id("单号"), command, CLERK, row.time("时间"))]


NOTES = FileMapping(
    name="notes",
    about="Notes.",
    required=(("单号", "编号"), ("时间",)),
    optional=(("说明", "说明(必填)"),),
    requests=note,
)
HEADER = "编号,时间,说明（必填）\n"
ROW = "A1,2026-01-02 03:04:05,你好\n"


def read(path: Path, text: str | bytes, encoding: str = "utf-8") -> list[Piece]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return list(Import(path, NOTES).pieces())


def words(piece: Piece) -> str | None:
    (request,) = piece.requests
    assert isinstance(request.command, AddNote)
    assert request.command.private is not None
    return request.command.private.text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_is_read_in_the_encoding_it_is_in(tmp_path: Path, encoding: str) -> None:
    (piece,) = read(tmp_path / "notes.csv", HEADER + ROW, encoding)
    assert words(piece) == "你好"
    assert piece.line == 2
    assert piece.requests[0].source == "file:notes"
    assert piece.requests[0].origin == "notes.csv:2"


def test_an_encoding_that_was_named_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "notes.csv"
    file.write_bytes("單號,時間,说明\n".encode())
    with pytest.raises(Unusable) as refusal:
        Import(file, NOTES, encoding="utf-16")
    assert refusal.value.code == "unknown_encoding"
    file.write_bytes((HEADER + ROW).encode("gb18030"))
    (piece,) = Import(file, NOTES, encoding="GBK").pieces()
    assert words(piece) == "你好"
    with pytest.raises(Unusable) as refusal:
        Import(file, NOTES, encoding="utf-8")
    assert refusal.value.code == "wrong_encoding"


def test_cells_may_hold_commas_line_ends_and_quotation_marks(tmp_path: Path) -> None:
    text = HEADER + 'A1,2026-01-02 03:04:05,"一,二\n三""四"""\n' + ROW
    first, second = read(tmp_path / "notes.csv", text)
    assert words(first) == '一,二\n三"四"'
    assert (first.line, second.line) == (2, 4)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (b"A1,2026-01-02 03:04:05\n", "broken_row"),
        ("A1,2026-01-02 03:04:05,你,好\n".encode(), "broken_row"),
        (b'A1,2026-01-02 03:04:05,"x"y\n', "broken_row"),
        (b'A1,2026-01-02 03:04:05,"never closed\n', "broken_row"),
        (b"A1,2026-01-02 03:04:05," + "你好".encode("gb18030") + b"\n", "wrong_encoding"),
        (b"A1,2026-01-02 03:04:05," + b"x" * 10_000_000 + b"\n", "message_too_large"),
        (b"A1,2026-01-02 03:04:05," + b"x" * 200_000 + b"\n", "broken_row"),
        (b",2026-01-02 03:04:05,x\n", "field_missing"),
        (b"A1,soon,x\n", "time_unreadable"),
        (b"A1,2026-01-02 03:04:05,a\x00b\n", "field_invalid"),
    ],
)
def test_a_bad_row_has_its_error_and_the_next_goes_on(
    tmp_path: Path, row: bytes, code: str
) -> None:
    bad, good = read(tmp_path / "notes.csv", HEADER.encode() + row + ROW.encode())
    assert bad.problem is not None
    assert (bad.line, bad.problem.code) == (2, code)
    assert (good.line, good.problem) == (3, None)


def test_a_quotation_mark_that_never_closes_costs_one_row_of_many(tmp_path: Path) -> None:
    rows = [f"A{n},2026-01-02 03:04:05,x\n" for n in range(8_000)]
    rows[10] = 'A10,2026-01-02 03:04:05,"open\n'
    pieces = read(tmp_path / "notes.csv", HEADER + "".join(rows))
    assert len(pieces) == 8_000
    assert [piece.line for piece in pieces if piece.problem] == [12]


def test_an_xlsx_is_read_cell_by_cell(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["单号", "时间", "说明"])
    sheet.append(["0012", datetime(2026, 1, 2, 3, 4, 5), 0.1 + 0.2])
    sheet.append([None, None, None])
    sheet.append([17, "2026-01-02 03:04:05"])
    sheet.append([6917000000000000101, "2026-01-02 03:04:05", "x"])
    book.save(tmp_path / "notes.xlsx")
    first, second, third = Import(tmp_path / "notes.xlsx", NOTES).pieces()
    assert words(first) == "0.3"
    assert first.requests[0].message_id == "0012"
    assert second.requests[0].message_id == "17"
    assert second.line == 4
    assert third.problem is not None
    assert third.problem.code == "number_lost_digits"


def test_what_is_no_table_is_refused_whole(tmp_path: Path) -> None:
    def why(content: bytes, name: str = "notes.csv") -> str:
        file = tmp_path / name
        file.write_bytes(content)
        with pytest.raises(Unusable) as refusal:
            list(Import(file, NOTES).pieces())
        return refusal.value.code

    assert why(b"") == "empty_file"
    assert why(b"\n\n") == "empty_file"
    assert why(HEADER.replace("时间", "时刻").encode()) == "missing_column"
    assert why(("单号,编号,单号,时间\n" + ROW).encode()) == "column_repeated"
    assert why((HEADER + ROW).encode("utf-16")) == "wrong_encoding"
    assert why(b"\xff\xff\xff,\xff\n") == "wrong_encoding"
    assert why(b"PK\x03\x04 not really", "notes.xlsx") == "not_xlsx"
    assert why(HEADER.encode(), "notes.xlsx") == "not_xlsx"
    with pytest.raises(Unusable) as refusal:
        Import(tmp_path, NOTES)
    assert refusal.value.code == "not_a_file"


def test_a_header_alone_is_a_table_without_rows(tmp_path: Path) -> None:
    assert read(tmp_path / "notes.csv", HEADER) == []


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    file = tmp_path / "notes.csv"
    file.write_text("编号,何时\n", encoding="utf-8")
    with pytest.raises(Unusable, match=r"no column 时间\. It has: 编号, 何时"):
        Import(file, NOTES)


def test_an_unknown_zone_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "notes.csv"
    file.write_text(HEADER, encoding="utf-8")
    with pytest.raises(Unusable) as refusal:
        Import(file, NOTES, zone="Mars/Base")
    assert refusal.value.code == "unknown_zone"


def test_rows_that_belong_together_see_each_other_wherever_they_stand(tmp_path: Path) -> None:
    together = FileMapping(
        name="notes",
        about="Notes.",
        required=NOTES.required,
        optional=NOTES.optional,
        requests=note,
        together=("单号",),
    )
    file = tmp_path / "notes.csv"
    rows = ["A1,2026-01-02 03:04:05,a", "B1,2026-01-02 03:04:05,b", "A1,2026-01-02 03:04:06,c"]
    file.write_text(HEADER + "\n".join([*rows, "broken"]) + "\n", encoding="utf-8")
    pieces = {piece.line: piece for piece in Import(file, together).pieces()}
    assert {line: words(pieces[line]) for line in (2, 3, 4)} == {2: "a,c", 3: "b", 4: "a,c"}
    assert pieces[5].problem is not None
