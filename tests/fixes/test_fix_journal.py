from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dartenv.errors import UsageFault
from dartenv.fixes.history import history
from dartenv.fixes.journal import read_journal


def journal_of(bench):
    path = bench.put("a.py", b"old")
    bench.apply(bench.edit(path, b"new"), verify=bench.passes)
    (journal,) = bench.state.glob("runs/*/journal.jsonl")
    return path, journal


def test_the_journal_is_json_lines_that_name_what_was_done(bench):
    path, journal = journal_of(bench)
    records = [json.loads(line) for line in journal.read_text("utf-8").splitlines()]
    assert [record["record"] for record in records] == [
        "run-started",
        "group-started",
        "intended",
        "done",
        "group-done",
        "verified",
        "closed",
    ]
    assert records[2]["change"]["shown"] == str(path)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_cut_anywhere_it_is_read_up_to_the_last_whole_line(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("j") / "journal.jsonl"
    lines = [
        b'{"record":"run-started","at":1.0,"run":"ab","command":"fix","pid":1,"dartenv":"0"}\n',
        '{"record":"group-started","at":1.0,"group":1,"plan":1,"fixes":["修"]}\n'.encode(),
        b'{"record":"group-done","at":1.0,"group":1}\n',
    ]
    whole = b"".join(lines)
    cut = data.draw(st.integers(0, len(whole)))
    tail = data.draw(st.sampled_from([b"", b"\0" * 40, b"\0\0\n"]))
    path.write_bytes(whole[:cut] + tail)
    records, good = read_journal(path)
    expected = whole[:cut].count(b"\n")
    assert len(records) == expected
    assert good == len(b"".join(lines[:expected]))


def test_damage_in_the_middle_is_named_and_stops(bench):
    _, journal = journal_of(bench)
    data = journal.read_bytes()
    journal.write_bytes(data.replace(b'"intended"', b'"intend\xff', 1))
    with pytest.raises(UsageFault, match="line 3 cannot be read"):
        history(bench.state)
    with pytest.raises(UsageFault, match="backups folder"):
        bench.undo()


def test_a_record_about_an_unknown_change_is_damage(bench):
    _, journal = journal_of(bench)
    data = journal.read_bytes()
    journal.write_bytes(data + b'{"record":"restored","at":1.0,"n":77}\n' + b"\n")
    with pytest.raises(UsageFault, match="unknown change"):
        history(bench.state)


def test_a_journal_of_a_newer_dartenv_is_not_touched(bench):
    path, journal = journal_of(bench)
    data = journal.read_bytes().replace(b'"run":', b'"schema":99,"run":', 1)
    journal.write_bytes(data)
    with pytest.raises(UsageFault, match="upgrade"):
        bench.undo()
    assert path.read_bytes() == b"new"
    assert journal.read_bytes() == data
