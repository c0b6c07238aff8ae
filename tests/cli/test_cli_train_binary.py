"""``mho train bnn-...``: binarised networks at a prompt."""

from __future__ import annotations

import shlex

import pytest

TRAIN = "train mlp --data digits --epochs 1 --batch-size 256 --out net.safetensors"


@pytest.mark.parametrize(
    ("options", "want"),
    [
        ("--milestones 2,4 --gamma 0.5", {"schedule": "multistep", "milestones": [2, 4], "gamma": 0.5}),
        ("--recipe bnn-vgg3", {"milestones": [10, 20, 30, 40, 50, 60, 70, 80, 90], "gamma": 0.5, "epochs": 1}),
        ("--recipe bnn-vgg3 --milestones 3", {"milestones": [3], "gamma": 0.5}),
        ("--recipe bnn-vgg3 --schedule cosine", {"schedule": "cosine", "milestones": []}),
        ("--recipe bnn-resnet18 --augment none", {"loss": "binary-hinge", "margin": 128.0}),
        ("--loss binary-hinge --margin 4 --clamp 1", {"loss": "binary-hinge", "margin": 4.0, "clamp": 1.0}),
    ],
)
def test_a_recipe_is_said_in_options(mho, tmp_path, options: str, want: dict) -> None:
    from mho import zoo

    said = mho(*shlex.split(f"{TRAIN} {options}"))
    assert said.code == 0, said.err
    assert want.items() <= zoo.metadata(tmp_path / "net.safetensors")["recipe"].items()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--milestones 2,four", "--milestones '2,four' is no list of epochs; write one such as 4,6,8"),
        ("--milestones 4,2", "milestones=(4, 2) must be rising epochs"),
        ("--schedule multistep", "milestones=() must be rising epochs"),
        ("--schedule cosine --milestones 2", "milestones=(2,) is for schedule='multistep'"),
        ("--margin 4", "margin=4.0 is for loss='binary-hinge'"),
        ("--clamp 0", "clamp=0.0 must be positive"),
    ],
)
def test_what_does_not_go_together_is_one_line(mho, options: str, words: str) -> None:
    said = mho(*shlex.split(f"{TRAIN} {options}"))
    assert said.code != 0
    assert words in said.err
    assert len(said.err.strip().splitlines()) == 1
