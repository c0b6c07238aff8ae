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
        (
            "--method ovf --sigma 0.1 --beta 1e-2 --sign positive",
            {"kind": "OrientedVariationalForward", "beta": 0.01, "sign": "positive"},
            None,
        ),
        (
            "--method ovf --device rram2 --copies 1 --step 0.1",
            {"kind": "OrientedVariationalForward", "copies": 1, "step": 0.1, "sigma": None},
            ("RRAM2", 0.1),
        ),
        (
            "--method irs --sigma 0.1 --taps layers.1,layers.3 --snapshots 1",
            {"kind": "IntermediateSnapshots", "taps": ["layers.1", "layers.3"], "snapshots": 1},
            None,
        ),
        ("--method correctnet --variant layer", {"kind": "CorrectNet", "variant": "layer", "sigma": None}, None),
        ("--method temperature --sigma 0.1 --temperature 3", {"kind": "Temperature", "temperature": 3.0}, None),
        ("--method average --sigma 0.1", {"kind": "AveragedNoise", "sigma": 0.1}, None),
        (
            "--method right-censored --sigma 0.1 --censor 2",
            {"kind": "RightCensored", "sigma": 0.1, "censor": 2.0},
            None,
        ),
        ("--method own.yaml", {"kind": "AdversarialWeights", "bound": 0.02, "steps": 1}, None),
        ("--method adversarial --bound 0.03", {"kind": "AdversarialWeights", "bound": 0.03, "steps": 3}, None),
        ("--method adversarial --bound 0.03 --steps 1", {"kind": "AdversarialWeights", "steps": 1}, None),
    ],
)
def test_a_tolerant_network_says_how_it_was_trained(mho, tmp_path, options: str, method: dict, device) -> None:
    from mho import zoo

    (tmp_path / "m.yaml").write_text("kind: Memory\ndevice: {kind: RRAM1, sigma: 0.3}\n")
    (tmp_path / "own.yaml").write_text("kind: AdversarialWeights\nbound: 0.02\nsteps: 1\n")
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


@pytest.mark.parametrize(
    "options",
    [
        "--method right-censored --device RRAM1 --sigma 0.2",
        "--method noise --search --cell-bits 4",
        "--method right-censored --device PCM --high 0.2 --chips 3 --percentile 10",
    ],
)
def test_a_search_says_what_it_found(mho, tmp_path, options: str) -> None:
    from mho import zoo

    said = mho(*shlex.split(f"{TRAIN} {options}"))
    assert said.code == 0, said.err
    assert "epoch 1 of 1 kept, errors of strength 0." in said.out
    assert "held-out chips: mean " in said.out
    kept = zoo.metadata(tmp_path / "net.safetensors")
    assert kept["method"]["sigma"]["kind"] == "SigmaSearch"
    judge = kept["memory" if "noise" in options else "judged_on"]["*"]["device"]
    if "PCM" in options:
        assert (kept["method"]["sigma"]["high"], kept["method"]["sigma"]["chips"]) == (0.2, 3)
        assert "10th percentile" in said.out
    else:
        assert judge["sigma"] in (0.1, 0.2)


@pytest.mark.parametrize("method", ["", "--method adversarial --bound 0.02 --steps 1", "--method plain"])
def test_networks_that_take_no_memory_may_be_judged_on_one(mho, tmp_path, method: str) -> None:
    from mho import zoo

    said = mho(*shlex.split(f"{TRAIN} {method} --device RRAM2 --sigma 0.2 --chips 3"))
    assert said.code == 0, said.err
    assert "held-out chips: mean " in said.out
    kept = zoo.metadata(tmp_path / "net.safetensors")
    assert kept["judged_on"]["*"]["device"]["sigma"] == 0.2
    assert "memory" not in kept


def test_chips_are_watched_and_runs_go_on(mho, tmp_path) -> None:
    import torch

    from mho import zoo

    watched = "--method noise --device RRAM1 --chips 3 --keep mean --checkpoint run.safetensors --norms clean"
    line = f"{TRAIN.replace('epochs 1', 'epochs 3')} {watched}"
    first = mho(*shlex.split(line))
    assert first.code == 0, first.err
    assert "of 3 kept; held-out chips: mean " in first.out
    network = zoo.load(tmp_path / "net.safetensors").state_dict()
    again = mho(*shlex.split(line))
    assert again.code == 0, again.err
    assert all(torch.equal(t, network[n]) for n, t in zoo.load(tmp_path / "net.safetensors").state_dict().items())
    other = mho(*shlex.split(f"{line} --sigma 0.2"))
    assert other.code == 2
    assert "run.safetensors belongs to another run: its method" in other.err


def test_torchrun_trains_one_network(mho, tmp_path) -> None:
    import subprocess
    import sys

    import torch

    from mho import zoo

    line = f"{TRAIN} --method noise --sigma 0.1"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "mho"]
    said = subprocess.run([*torchrun, *shlex.split(line)], cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert said.returncode == 0, said.stderr[-2000:]
    assert said.stdout.count("net.safetensors: mlp on digits with noise") == 1, "one process speaks"
    together = zoo.load(tmp_path / "net.safetensors").state_dict()
    assert mho(*shlex.split(line)).code == 0
    for name, alone in zoo.load(tmp_path / "net.safetensors").state_dict().items():
        # Adam divides gradients that differ by rounding by their size: five steps of at most 1e-3 each.
        torch.testing.assert_close(together[name], alone, rtol=0, atol=1e-4, msg=name.__add__)


def test_methods_are_listed_with_their_papers(mho) -> None:
    from mho.training import METHODS

    said = mho("list", "methods")
    rows = [line.split() for line in said.out.splitlines()[2:]]
    assert [row[0] for row in rows[: len(METHODS)]] == list(METHODS)
    for row, (name, method) in zip(rows, METHODS.items(), strict=False):
        assert row[-1] == method.references[-1] if method.references else name == "plain"


def test_plain_training_keeps_what_it_kept(mho, tmp_path) -> None:
    from mho import zoo

    said = mho(*shlex.split(TRAIN))
    assert said.code == 0, said.err
    assert "net.safetensors: mlp on digits, " in said.out
    assert set(zoo.metadata(tmp_path / "net.safetensors")) == {"architecture", "data", "recipe", "test_accuracy"}


def test_a_linear_schedule_with_warm_up_and_a_bound_on_the_gradient(mho, tmp_path) -> None:
    from mho import zoo

    said = mho(*shlex.split(f"{TRAIN} --schedule linear --warmup 0.2 --clip 0.5"))
    assert said.code == 0, said.err
    kept = zoo.metadata(tmp_path / "net.safetensors")["recipe"]
    assert (kept["schedule"], kept["warmup"], kept["clip"]) == ("linear", 0.2, 0.5)
    # Another schedule has no use for the warm-up of a paper's recipe.
    said = mho(*shlex.split(f"{TRAIN} --recipe bert-glue --schedule cosine"))
    assert said.code == 0, said.err
    kept = zoo.metadata(tmp_path / "net.safetensors")["recipe"]
    assert (kept["schedule"], kept["warmup"], kept["clip"]) == ("cosine", 0.0, 1.0)
    for wrong, words in (
        ("--warmup 0.2", "is for schedule='linear'"),
        ("--schedule linear --warmup 1", "must be in [0, 1)"),
        ("--clip 0", "clip=0"),
    ):
        said = mho(*shlex.split(f"{TRAIN} {wrong}"))
        assert said.code == 2
        assert words in said.err
        assert len(said.err.splitlines()) == 1


def test_of_values_the_squared_error_is_told_and_kept(mho, tmp_path) -> None:
    from mho import zoo

    header = "\t".join(
        ["index", "genre", "filename", "year", "old_index", "source1", "source2", "sentence1", "sentence2"]
    )
    rows = "".join(f"{i}\tg\tf\t2012\t1\tn\tn\ta\t{'ab'[i % 2]}\t{5.0 * (i % 2)}\n" for i in range(40))
    for name in ("train", "dev"):
        (tmp_path / "STS-B").mkdir(exist_ok=True)
        (tmp_path / "STS-B" / f"{name}.tsv").write_text(f"{header}\tscore\n{rows}")
    (tmp_path / "bert-base-uncased").mkdir()
    (tmp_path / "bert-base-uncased" / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\n")
    line = "train encoder --data stsb --root . --epochs 1 --batch-size 8 --out net.safetensors"
    said = mho(*shlex.split(line))
    assert said.code == 0, said.err
    kept = zoo.metadata(tmp_path / "net.safetensors")
    assert "test_accuracy" not in kept
    assert 0 < kept["test_mse"] < 25
    assert f"encoder on stsb, mean squared error {kept['test_mse']:.4g} of 40 test samples" in said.out
    assert "%" not in said.out
    said = mho(*shlex.split(f"{line} --device RRAM1 --chips 2"))
    assert said.code == 0, said.err
    assert "held-out chips: mean " in said.out
    assert "%" not in said.out


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
        ("--method irs", "--method irs needs --sigma, such as 0.1, or a memory"),
        ("--method irs --sigma 0.1 --beta 2", "beta=2.0"),
        ("--method irs --sigma 0.1 --taps fc9", "fc9"),
        ("--method irs --sigma 0.1", "taps="),
        ("--method ovf --sigma 0.1 --beta=-1", "beta=-1.0 must not be negative"),
        ("--method right-censored", "--method right-censored needs --sigma, such as 0.1, or the memory"),
        ("--method right-censored --sigma 0.1 --beta 1", "--beta is for --method ovf, irs, correctnet"),
        (
            "--method adversarial --bound 0.1 --search",
            "--search finds the strength of errors, which --method adversarial",
        ),
        ("--search", "give --method"),
        ("--method noise --search", "--search judges chips; name their memory too"),
        ("--method adversarial --bound 0.1 --sigma 0.2 --chips 2", "--sigma is for --method"),
        ("--method noise --sigma 0.1 --chips 2", "--chips judges chips of a memory; name it"),
        ("--method own.yml", "own.yml: cannot be read"),
        ("--method own.yaml --sigma 0.2", "says everything about the method; leave out --sigma"),
        ("--method own.yml --beta 1", "says everything about the method; leave out --beta"),
        ("--keep mean", "--keep mean judges chips of a memory; name it: --device RRAM1"),
        ("--percentile 5", "--percentile is for --keep percentile, --chips and --search"),
        ("--high 0.3 --method noise --sigma 0.1", "--high is the end of a search"),
        ("--method right-censored --device RRAM1 --keep mean", "leave out --keep"),
        ("--method right-censored --device PCM", "give its upper end: SigmaSearch(high=0.2), --high 0.2"),
        ("--checkpoint net.safetensors", "the network and the run are two files"),
        ("--validation 1.5", "validation=1.5 of"),
        ("--checkpoint run.pt", "must end in .safetensors"),
        ("--method noise --sigma 0.1 --bound 0.1", "--bound is for --method adversarial"),
        ("--method noise --sigma 0.1 --steps 2", "--steps is for --method adversarial"),
        ("--method noise --device RRAM9", "unknown device 'RRAM9': did you mean 'RRAM2'?"),
        ("--method noise --memory no.yaml", "no.yaml"),
        ("--method noise --sigma 0.1 --device PCM", "sigma"),
        ("--method adversarial", "--method adversarial needs --bound, a fraction of the largest weight such as 0.03"),
        ("--method adversarial --bound 0", "bound=0.0 must be more than zero"),
        ("--method adversarial --bound 3", "3 % is written 0.03"),
        ("--method adversarial --bound 0.1 --steps 0", "steps=0 must be at least 1"),
        ("--method adversarial --bound 0.1 --sigma 0.1", "--sigma is for --method noise, right-censored, ovf"),
        ("--method adversarial --bound 0.1 --device RRAM1", "--device says which errors to train with"),
        ("--sigma 0.1", "--sigma is for --method noise, right-censored, ovf"),
        ("--bound 0.1", "--bound is for --method adversarial"),
        ("--weight-bits 4", "--weight-bits says which chips to train for; give --method noise"),
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
