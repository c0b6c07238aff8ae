"""Whatever cannot be evaluated is refused in one clear line, of the right class, before any work."""

from __future__ import annotations

import math

import pytest
import torch
from reference import nets
from torch import nn

import mho
from mho.data import Dataset
from mho.devices import PCM, RRAM1
from mho.errors import DataError, MhoError, ModelError, SpecError, UnknownNameError
from mho.memory import Memory, deploy

X, Y = nets.inputs(12, 6), torch.arange(12) % 3
IMAGES = nets.inputs(4, 2, 8, 8)


def chips(device=None):
    model = nets.seeded(nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)))
    return deploy(model, Memory(device=device or RRAM1(sigma=0.1)))


ARGUMENTS = [
    ({"sigma": 10}, SpecError, "sigma=10 is more than the cell's full range"),
    ({"sigma": [0.1, math.nan]}, SpecError, "sigma=nan must be zero or more (a fraction"),
    ({"threshold": 90}, SpecError, "95 % is written 0.95"),
    ({"sigma": -0.1}, SpecError, "sigma=-0.1 must be zero or more (a fraction"),
    ({"sigma": []}, SpecError, "sigma is an empty list"),
    ({"sigma": [0.1, 0.2, 0.1]}, SpecError, "sigma lists a value twice"),
    ({"sigma": "0.1"}, SpecError, "sigma='0.1' is a str; it takes a number or several"),
    ({"sigma": ["0.1"]}, SpecError, "is a str"),
    ({"sigma": True}, SpecError, "is a bool"),
    ({"sigma": {"a": 1}}, SpecError, "sigma='a' is a str"),
    ({"age": -1.0}, SpecError, "age=-1 must be zero or more seconds"),
    ({"age": math.inf}, SpecError, "age=inf must be zero or more seconds, and finite"),
    ({"age": [1.0, 1.0]}, SpecError, "age lists a value twice"),
    ({"age": "1y"}, SpecError, "age='1y' is a str"),
    ({"n_chips": 0}, SpecError, "n_chips=0 must be one or more"),
    ({"n_chips": -3}, SpecError, "n_chips=-3 must be one or more"),
    ({"n_chips": 3.0}, SpecError, "n_chips=3.0 is a float; it takes an integer"),
    ({"n_chips": True}, SpecError, "is a bool"),
    ({"first_chip": -1}, SpecError, "first_chip=-1 must be zero or more"),
    ({"batch_size": 0}, SpecError, "batch_size=0 must be one or more"),
    ({"percentiles": (0,)}, SpecError, "percentile 0 must lie between 0 and 100"),
    ({"percentiles": (1, 100)}, SpecError, "percentile 100 must lie between"),
    ({"percentiles": (math.nan,)}, SpecError, "percentile nan must lie between"),
    ({"percentiles": 1}, SpecError, "percentiles=1 is no list of numbers"),
    ({"percentiles": "1,5"}, SpecError, "percentiles='1,5' is no list of numbers"),
    ({"confidence": 95}, SpecError, "confidence=95 must lie between 0 and 1"),
    ({"confidence": 0.0}, SpecError, "confidence=0 must lie between 0 and 1"),
    ({"metric": "acuracy"}, UnknownNameError, "unknown metric 'acuracy': did you mean 'accuracy'?"),
    ({"dtype": "float16"}, SpecError, "dtype='float16': did you mean 'bfloat16'?"),
    ({"batching": "loops"}, SpecError, "batching='loops': did you mean 'loop'?"),
    ({"device": "gpu"}, SpecError, "device='gpu' is none that torch knows"),
]


@pytest.mark.parametrize(("options", "error", "says"), ARGUMENTS, ids=[says for *_, says in ARGUMENTS])
def test_arguments(options: dict, error: type, says: str) -> None:
    refuse(lambda: mho.evaluate(chips(), (X, Y), **options), error, says)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there() -> None:
    refuse(lambda: mho.evaluate(chips(), (X, Y), device="cuda"), SpecError, "device 'cuda' cannot be used")


DATA = [  # data, metric, error, line
    ((X[:0], Y[:0]), "accuracy", DataError, "the data set is empty"),
    ((X, Y[:5]), "accuracy", DataError, "differ in length (inputs 12, targets 5)"),
    ((X, Y + 1), "accuracy", ModelError, "has label 3, but the model has 3 outputs; labels are numbered from 0"),
    ((X, Y - 1), "accuracy", ModelError, "has label -1, but the model has 3 outputs"),
    ((X, Y - 1), "perplexity", ModelError, "has label -1"),
    ((X, Y.float()), "accuracy", DataError, "targets are no class numbers, which accuracy needs; try metric='mse'"),
    ((X, Y.float()), "perplexity", DataError, "targets are no class numbers"),
    ((X, Y.float()), "pearson", ModelError, "compares number by number, but a sample of data has target shape ()"),
    ((X, Y[:, None].expand(12, 4)), "accuracy", ModelError, "classes last, for every label, but a sample of data"),
    ((X[:, :5], Y), "accuracy", ModelError, "Sequential does not take samples of data, shape (5,)"),
    ((IMAGES, Y[:4]), "accuracy", ModelError, "does not take samples of data, shape (2, 8, 8)"),
    (({"tokens": X}, Y), "accuracy", ModelError, "does not take samples of data, shape tokens (6,)"),
    ((X.masked_fill(X > 1, math.nan), Y), "accuracy", DataError, "NaN or infinite"),
    (X, "accuracy", DataError, "data is a Tensor"),
    (None, "accuracy", DataError, "data is a NoneType"),
    ("digits", "accuracy", DataError, "data is a str"),
]


@pytest.mark.parametrize(("data", "metric", "error", "says"), DATA, ids=[says for *_, says in DATA])
def test_data(data, metric: str, error: type, says: str) -> None:
    refuse(lambda: mho.evaluate(chips(), data, metric=metric, n_chips=2), error, says)


def test_labels_out_of_range_of_their_own_data_set() -> None:
    refuse(lambda: Dataset(inputs=X, targets=Y, classes=2), DataError, "label 2 is out of range")


MODELS = [  # model, inputs, targets, metric, line
    (
        nn.Sequential(nn.Linear(6, 1), nn.Flatten(0)),
        X,
        Y,
        "accuracy",
        "one score per class",
    ),
    (nn.Sequential(nn.Conv2d(2, 3, 1)), IMAGES, torch.zeros(4, 8, 8).long(), "accuracy", "classes last"),
]


@pytest.mark.parametrize(("model", "x", "y", "metric", "says"), MODELS, ids=[m[-1] for m in MODELS])
def test_models_whose_outputs_do_not_fit(model, x, y, metric: str, says: str) -> None:
    made = deploy(model.eval(), Memory(device=RRAM1(sigma=0.1)))
    refuse(lambda: mho.evaluate(made, (x, y), metric=metric), ModelError, says)


def test_outputs_without_logits() -> None:
    class Nothing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(6, 3)

        def forward(self, x):
            return {"scores": self.fc(x)}

    made = deploy(Nothing().eval(), Memory(device=RRAM1(sigma=0.1)))
    refuse(lambda: mho.evaluate(made, (X, Y)), ModelError, "returns a dict without a tensor of logits")


def test_a_model_in_place_of_chips() -> None:
    refuse(
        lambda: mho.evaluate(nn.Linear(6, 3), (X, Y)), SpecError, "evaluate takes chips, not a Linear; call mho.deploy"
    )


def test_a_device_without_sigma() -> None:
    refuse(lambda: mho.evaluate(chips(PCM()), (X, Y), sigma=0.1), SpecError, "PCM has no stage with a sigma to vary")


def refuse(call, error: type[MhoError], says: str) -> None:
    with pytest.raises(MhoError) as raised:
        call()
    assert isinstance(raised.value, error)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)
