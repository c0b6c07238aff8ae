from __future__ import annotations

import errno
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from outline import read

from mho.errors import OutputError, SpecError, UnknownNameError
from mho.reports import write
from mho.reports.layers import layers

OPTIONS = {
    "title": "LeNet on RRAM",
    "command": "mho evaluate lenet.safetensors --sigma 0.1",
    "specs": {"RRAM1": "kind: RRAM1\nsigma: 0.1\n", "mapping": "kind: Binary\n"},
    "references": ("qin2025neft", "levy_rram_relaxation"),
}


@pytest.fixture(scope="module")
def page(results, description, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    assert write(path, results=results, description=description, intro="One.\n\nTwo.", **OPTIONS) == path
    return path


def test_order_of_the_page(page) -> None:
    text, outline = read(page)
    assert text.startswith("<!DOCTYPE html>")
    heads = [h for h in outline.heads if h]
    assert heads == ["LeNet on RRAM", "The answer", "Figures", "Every population", "What sits where",
                     "How to read this", "Provenance", "References"]  # fmt: skip
    assert "<p>One.</p>\n<p>Two.</p>" in text
    assert text.count("<figure ") == 3
    assert text.count("Reproduce figure") == 3
    assert "368" in text, "how many chips a limit takes"


def test_nothing_is_fetched(page) -> None:
    text, outline = read(page)
    assert page.stat().st_size < 2_000_000
    assert all(a.startswith(("#", "data:")) for a in outline.addresses)
    assert [a[:28] for a in outline.addresses if len(a) > 99] == ["data:application/pdf;base64,"] * 3
    outside, bibtex = re.sub(r"base64,[^\"]+", "", text).split('id="references"')
    assert "http" not in outside.replace("http-equiv", "")
    assert "https://github.com/akashlevy" in bibtex
    assert not re.search(r"@import|url\((?!#)", text)
    assert "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:" in text


def test_every_number_is_in_the_table(page, results) -> None:
    text, _ = read(page)
    for result in results.values():
        for p in result.populations():
            assert f">{100 * p.mean.value:.2f} <small>[{100 * p.mean.low:.2f}, {100 * p.mean.high:.2f}]" in text
            assert f"<small>[–, {100 * p.percentile(1).high:.2f}]</small>" in text
            assert f"<td>{100 * p.minimum:.2f}</td>" in text


def test_a_spec_stands_with_its_result(page) -> None:
    text, _ = read(page)
    second, third = text.split("Reproduce figure 2")[1].split("Reproduce figure 3")
    assert "kind: RRAM1" in second
    assert "kind: Binary" not in second
    assert "kind: Binary" in third.split("Every population")[0], "FeFET1 has no spec of its own: all are shown"


def test_layers_on_nanowires_are_on_no_arrays(results, description, tmp_path) -> None:
    wires = replace(description.stored[0], tiles=0, nanowires=105, rms_error=0.0, max_error=1e-8)
    for stored, said, header in (
        ((wires,), "LeNet: 6,720 cells on 105 nanowires.</p>", ["cells", "nanowires", "scale", "memory"]),
        ((wires, *description.stored), "13,440 cells on 1 arrays of 128\xa0×\xa0128 and 105 nanowires. Errors are", []),
        ((replace(wires, max_error=0.01),), "6,720 cells on 105 nanowires. Errors are those of quantisation", []),
    ):
        kept = replace(description, stored=stored)
        assert said in write(tmp_path / "w.html", results=results, description=kept, **OPTIONS).read_text()
        if header:
            assert layers(kept).header[4:] == header


def test_same_data_same_bytes(page, results, description, tmp_path) -> None:
    again = write(tmp_path / "b.html", results=results, description=description, intro="One.\n\nTwo.", **OPTIONS)
    assert again.read_bytes() == page.read_bytes()


def test_hostile_text_is_only_text(make, description, tmp_path) -> None:
    bad = "<script>alert(1)</script>\"'&{{ 7 * 7 }}</style>$x$\ud800"
    result = make(bad, sigma=(0.1,), age=(0.0,), provenance={bad: bad, "nested": {"list": [bad]}})
    options = {"title": bad, "command": bad, "specs": {bad: bad}, "intro": bad}
    path = write(tmp_path / "x.html", results={bad: result}, description=None, **options)
    text, _ = read(path)
    assert text.count("<script>") == 1
    assert "<script>alert" not in text
    assert "{{ 7 * 7 }}" in text
    assert text.count("</style>") == 1


def test_one_chip_and_no_sigma(make, tmp_path) -> None:
    result = make(chips=1, sigma=(None,), age=(0.0,), threshold=None)
    text, _ = read(write(tmp_path / "x.html", results={"one": result}, **{**OPTIONS, "references": ()}))
    assert "Accuracy of 1 chip," in text
    assert "[–, –]" in text
    assert "What sits where" not in text
    assert "References</h2>" not in text


@pytest.fixture(scope="module")
def small(make):
    return {"one": make(sigma=(0.1,), age=(0.0,), chips=3)}


def test_disk_full_leaves_the_old_page(small, tmp_path, monkeypatch) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"^cannot write .*report\.html: No space left on device$"):
        write(path, results=small, **OPTIONS)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.html"]


def test_an_interrupt_leaves_nothing(small, tmp_path, monkeypatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "report.html", results=small, **OPTIONS)
    assert os.listdir(tmp_path) == []


def test_places_that_take_no_file(small, tmp_path) -> None:
    with pytest.raises(OutputError, match=r"the folder .*nowhere does not exist"):
        write(tmp_path / "nowhere" / "x.html", results=small, **OPTIONS)
    with pytest.raises(OutputError, match="it is a folder"):
        write(tmp_path, results=small, **OPTIONS)
    with pytest.raises(OutputError, match="it is a device"):
        write("/dev/null", results=small, **OPTIONS)
    with pytest.raises(OutputError, match="File name too long"):
        write(tmp_path / ("x" * 300), results=small, **OPTIONS)
    assert os.listdir(tmp_path) == []


def test_a_link_is_followed_and_the_mode_is_the_umask(small, tmp_path) -> None:
    (tmp_path / "link.html").symlink_to(tmp_path / "real.html")
    mask = os.umask(0o022)
    try:
        write(tmp_path / "link.html", results=small, **OPTIONS)
    finally:
        os.umask(mask)
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "real.html").stat().st_mode & 0o777 == 0o644


def test_bad_input_writes_nothing(make, tmp_path) -> None:
    with pytest.raises(SpecError, match="no results"):
        write(tmp_path / "x.html", results={}, **OPTIONS)
    with pytest.raises(UnknownNameError, match="unknown reference 'qin'"):
        write(tmp_path / "x.html", results={"a": make()}, **{**OPTIONS, "references": ["qin"]})
    assert os.listdir(tmp_path) == []
