"""A selective memory on the command line: what one command writes, another takes."""

from __future__ import annotations


def test_evaluate_takes_what_sensitivity_wrote(mho, tmp_path) -> None:
    (tmp_path / "memory.yaml").write_text(
        "kind: Memory\ndevice: {kind: RRAM1, sigma: 0.2}\n"
        "programming: {kind: Selective, fraction: 0.1, verify: {kind: WriteVerify, tolerance: 0.03}}\n"
    )
    given = ("{nets}/lenet.safetensors", "--data", "digits", "--memory", "memory.yaml", "--limit", "20", "--chips", "2")
    lacking = mho("evaluate", *given)
    assert lacking.code == 2
    assert "sensitivity=mho.sensitivity(model, data, method='second-derivative')" in lacking.err
    wrote = mho(
        "sensitivity", "{nets}/lenet.safetensors", "--data", "digits", "--images", "30", "--out", "h.safetensors"
    )
    assert wrote.code == 0, wrote.err
    said = mho("evaluate", *given, "--sensitivity", "h.safetensors")
    assert said.code == 0, said.err
    assert "NWC 0.1 " in said.out
    other = mho("evaluate", *given, "--sensitivity", "{nets}/lenet.safetensors")
    assert other.code == 2
    assert len(other.err.strip().splitlines()) == 1
