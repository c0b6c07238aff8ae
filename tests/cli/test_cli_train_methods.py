"""``mho train --method``: tolerant networks at a prompt."""

from __future__ import annotations

import shlex

import pytest

TRAIN = "train mlp --data digits --epochs 1 --batch-size 256 --out net.safetensors"


@pytest.mark.parametrize(
    ("options", "method", "device"),
    [
        ("--method noise --sigma 0.1", {"kind": "NoiseInjection", "sigma": 0.1}, None),
        ("--method noise --sigma 0.1 --device FeFET2", {"kind": "NoiseInjection", "sigma": 0.1}, ("FeFET2", 0.1)),
        ("--method noise --cell-bits 4", {"kind": "NoiseInjection", "sigma": None}, ("RRAM1", 0.1)),
        ("--method noise --memory m.yaml", {"kind": "NoiseInjection", "sigma": None}, ("RRAM1", 0.3)),
        ("--method noise --memory m.yaml --sigma 0.2", {"kind": "NoiseInjection", "sigma": 0.2}, ("RRAM1", 0.3)),
        ("--method adversarial --bound 0.03", {"kind": "AdversarialWeights", "bound": 0.03, "steps": 3}, None),
        ("--method adversarial --bound 0.03 --steps 1", {"kind": "AdversarialWeights", "steps": 1}, None),
    ],
)
def test_a_tolerant_network_says_how_it_was_trained(mho, tmp_path, options: str, method: dict, device) -> None:
    from mho import zoo

    (tmp_path / "m.yaml").write_text("kind: Memory\ndevice: {kind: RRAM1, sigma: 0.3}\n")
    said = mho(*shlex.split(f"{TRAIN} {options}"))
    assert said.code == 0, said.err
    assert f"mlp on digits with {options.split()[1]}, " in said.out
    kept = zoo.metadata(tmp_path / "net.safetensors")
    assert method.items() <= kept["method"].items()
    assert kept["data"] == "digits"
    if device is None:
        assert "memory" not in kept
    else:
        assert (kept["memory"]["*"]["device"]["name"], kept["memory"]["*"]["device"]["sigma"]) == device
    assert mho("describe", "net.safetensors").code == 0


def test_plain_training_keeps_what_it_kept(mho, tmp_path) -> None:
    from mho import zoo

    said = mho(*shlex.split(TRAIN))
    assert said.code == 0, said.err
    assert "net.safetensors: mlp on digits, " in said.out
    assert set(zoo.metadata(tmp_path / "net.safetensors")) == {"architecture", "data", "recipe", "test_accuracy"}


def test_the_same_seed_is_the_same_network(mho, tmp_path) -> None:
    import torch

    from mho import zoo

    line = f"{TRAIN} --method noise --sigma 0.2"
    kept = []
    for seed in (0, 0, 1):
        assert mho(*shlex.split(f"{line} --seed {seed}")).code == 0
        kept.append(torch.nn.utils.parameters_to_vector(zoo.load(tmp_path / "net.safetensors").parameters()))
    assert torch.equal(kept[0], kept[1])
    assert not torch.equal(kept[0], kept[2])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--method nois", "unknown method 'nois': did you mean 'noise'?"),
        ("--method adversary --bound 0.1", "unknown method 'adversary': did you mean 'adversarial'?"),
        ("--method noise", "--method noise needs --sigma, such as 0.1, or a memory"),
        ("--method noise --sigma=-0.1", "sigma=-0.1 must be zero or more"),
        ("--method noise --sigma 10", "10 % is written 0.1"),
        ("--method noise --sigma 0.1 --bound 0.1", "--bound is for --method adversarial"),
        ("--method noise --sigma 0.1 --steps 2", "--steps is for --method adversarial"),
        ("--method noise --device RRAM9", "unknown device 'RRAM9': did you mean 'RRAM2'?"),
        ("--method noise --memory no.yaml", "no.yaml"),
        ("--method noise --sigma 0.1 --device PCM", "sigma"),
        ("--method adversarial", "--method adversarial needs --bound, a fraction of the largest weight such as 0.03"),
        ("--method adversarial --bound 0", "bound=0.0 must be more than zero"),
        ("--method adversarial --bound 3", "3 % is written 0.03"),
        ("--method adversarial --bound 0.1 --steps 0", "steps=0 must be at least 1"),
        ("--method adversarial --bound 0.1 --sigma 0.1", "--sigma is for --method noise"),
        ("--method adversarial --bound 0.1 --device RRAM1", "--device says which errors to train with"),
        ("--sigma 0.1", "--sigma is for --method noise"),
        ("--bound 0.1", "--bound is for --method adversarial"),
        ("--weight-bits 4", "--weight-bits says which errors to train with, which is for --method noise"),
    ],
)
def test_bad_methods_are_one_line_and_nothing_is_written(mho, tmp_path, options: str, words: str) -> None:
    said = mho(*shlex.split(f"{TRAIN} {options}"))
    assert said.code == 2, said.out
    assert words in said.err
    lines = said.err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("mho: ")
    assert not (tmp_path / "net.safetensors").exists()
