"""Networks of Hugging Face's library: read, rebuilt, trained, deployed, judged; all on tiny ones that are made here."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import mho
from mho import data, devices, training, zoo
from mho.data import Dataset
from mho.errors import CheckpointError, MhoError, ModelError, SpecError, UnknownNameError
from mho.evaluation.forward import batched, looped, vmap_works
from mho.memory import Memory, redundancy
from mho.training import NoiseInjection, Recipe

transformers = pytest.importorskip("transformers")

WORDS, LENGTH = 60, 12
BERT = {
    "model_type": "bert",
    "vocab_size": WORDS,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 16,
}
GPT2 = {"vocab_size": WORDS, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 16, "bos_token_id": 0}
MEMORY = Memory(device=devices.RRAM1(sigma=0.1))


def numbers(*shape: int, low: int = 0, high: int = WORDS, seed: int = 0) -> Tensor:
    return torch.randint(low, high, shape, generator=torch.Generator().manual_seed(seed))


def sentences(n: int = 96) -> Dataset:
    """Of two classes that one word tells apart, padded by 2 to 6 places."""
    words, used = numbers(n, LENGTH, low=3), numbers(n, 1, low=LENGTH - 6, high=LENGTH - 1, seed=1)
    mask = (torch.arange(LENGTH) < used).long()
    words[:, 0] = 1
    targets = numbers(n, high=2, seed=2)
    words[:, 1] = torch.where(targets > 0, 5, 6)
    inputs = {"input_ids": words * mask, "attention_mask": mask, "token_type_ids": torch.zeros_like(words)}
    return Dataset(inputs=inputs, targets=targets, classes=2, name="sentences")


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> Path:
    """What ``save_pretrained`` leaves: classifier of three, masked language model, body alone, decoder, bad ones."""
    root = tmp_path_factory.mktemp("networks")
    options = {key: value for key, value in BERT.items() if key != "model_type"}
    bars = transformers.logging.is_progress_bar_enabled()
    transformers.logging.disable_progress_bar()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = transformers.BertConfig(**options, num_labels=3)
        transformers.BertForSequenceClassification(config).save_pretrained(root / "classifier")
        transformers.BertForMaskedLM(config).save_pretrained(root / "masked")
        transformers.GPT2LMHeadModel(transformers.GPT2Config(**GPT2, eos_token_id=0)).save_pretrained(root / "gpt2")
        part = transformers.BertForMaskedLM(transformers.BertConfig(**{**options, "num_hidden_layers": 1}))
        part.save_pretrained(root / "short")
        config.save_pretrained(root / "short")
        config.save_pretrained(root / "nothing")
        config.save_pretrained(root / "pickled")
        config.save_pretrained(root / "truncated")
        (root / "truncated" / "model.safetensors").write_bytes(b"\x10\x00\x00")
        torch.save({}, root / "pickled" / "pytorch_model.bin")
    if bars:
        transformers.logging.enable_progress_bar()
    return root


def tiny(task: str = "classification", **changes: object) -> nn.Module:
    return zoo.build("transformers", task=task, config={**BERT, **changes})


def unwarned(folder: Path, **options: object) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return zoo.pretrained(folder, **options)


def logits(model: nn.Module, inputs: object) -> Tensor:
    with torch.no_grad():
        return model(**inputs).logits


def test_it_is_the_network_of_the_library(folders: Path) -> None:
    state, threads = torch.get_rng_state(), transformers.logging.get_verbosity()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = zoo.pretrained(folders / "classifier")
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(folders / "classifier").eval()
    inputs = sentences().inputs
    assert torch.allclose(logits(ours, inputs), logits(theirs, inputs), atol=1e-6)
    assert logits(ours, inputs).shape == (96, 3)
    assert not ours.training
    assert torch.equal(torch.get_rng_state(), state)
    assert transformers.logging.get_verbosity() == threads


def test_a_new_classifier_is_named_and_has_a_seed(folders: Path) -> None:
    with pytest.warns(
        UserWarning, match=r"masked has no weights of this size for .*classifier\.bias, classifier\.weight: they start"
    ):
        one = zoo.pretrained(folders / "masked", classes=4)
    same, other = (unwarned(folders / "masked", classes=4, seed=seed) for seed in (0, 1))
    assert one.classifier.weight.shape == (4, 16)
    assert torch.equal(one.classifier.weight, same.classifier.weight)
    assert not torch.equal(one.classifier.weight, other.classifier.weight)
    with pytest.warns(UserWarning, match=r"for classifier\.bias, classifier\.weight: they start at random"):
        assert zoo.pretrained(folders / "classifier", classes=2).classifier.weight.shape == (2, 16)
    words = "embeddings.word_embeddings.weight"
    theirs = transformers.BertForMaskedLM.from_pretrained(folders / "masked").bert.get_parameter(words)
    assert torch.equal(other.bert.get_parameter(words), theirs)


@pytest.mark.parametrize(
    ("name", "options", "error", "words"),
    [
        ("none", {}, CheckpointError, "no folder"),
        (".", {}, CheckpointError, "holds no config.json"),
        ("classifier/config.json", {}, CheckpointError, "is a file; name the folder"),
        ("nothing", {}, CheckpointError, "it has no model.safetensors"),
        ("truncated", {}, CheckpointError, "truncated, or no safetensors file"),
        ("pickled", {}, CheckpointError, "pickled weights are never read"),
        ("classifier", {"task": "language-model"}, SpecError, "a 'bert' sees the whole text at once"),
        ("classifier", {"task": "regresion"}, UnknownNameError, "did you mean 'regression'"),
        ("classifier", {"classes": 0}, SpecError, "classes=0"),
        ("classifier", {"classes": 3, "task": "regression"}, SpecError, "classes=3 is for task='classification'"),
        ("short", {}, CheckpointError, "it has no such bert.encoder.layer.1"),
    ],
)
def test_refusals(folders: Path, name: str, options: dict, error: type[MhoError], words: str) -> None:
    with pytest.raises(error) as caught:
        unwarned(folders / name, **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_that_the_hub_does_not_have(monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("nobody/none is not a local folder and is not a valid model identifier\n\nIf this is ...")

    monkeypatch.setattr(transformers.AutoConfig, "from_pretrained", refuse)
    with pytest.raises(
        CheckpointError, match=r"^'nobody/none' cannot be read: nobody/none is not a local folder .*identifier$"
    ):
        zoo.pretrained("hf://nobody/none")


def test_without_the_library_it_says_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(SpecError, match=r"needs transformers: pip install 'mho\[transformers\]'"):
        zoo.pretrained("bert-base-uncased")


def test_configurations_that_the_library_does_not_know() -> None:
    with pytest.raises(SpecError, match="transformers cannot build a 'brt' for task='classification'"):
        tiny(model_type="brt")
    with pytest.raises(UnknownNameError, match="did you mean 'regression'"):
        tiny("regresion")


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_saved_and_loaded_it_is_the_same(task: str, folders: Path, tmp_path: Path) -> None:
    model = unwarned(folders / "masked", task=task)
    file = zoo.save(model, tmp_path / "network.safetensors", data="sentences")
    again, inputs = zoo.load(file), sentences().inputs
    assert type(again) is type(model)
    assert torch.equal(logits(again, inputs), logits(model, inputs))
    assert zoo.metadata(file)["architecture"] == "transformers"
    assert logits(again, inputs).shape == ((96, 3) if task == "classification" else (96,))


@pytest.mark.parametrize("padding", [0, 1, 7])
def test_padding_that_all_share_is_cut_and_changes_nothing(padding: int) -> None:
    model, inputs = tiny().eval(), dict(sentences(8).inputs)
    seen: list[tuple[int, ...]] = []
    model.bert.encoder.register_forward_hook(lambda _, args, out: seen.append(tuple(out[0].shape)))
    inputs["attention_mask"] = (torch.arange(LENGTH) < LENGTH - padding).long().repeat(8, 1)
    cut = logits(model, inputs)
    model._forward_pre_hooks.clear()
    model._forward_pre_hooks_with_kwargs.clear()
    whole = logits(model, inputs)
    assert [shape[1] for shape in seen] == [LENGTH - padding, LENGTH]
    assert torch.allclose(cut, whole, atol=1e-6)


def test_no_mask_and_a_mask_of_nothing() -> None:
    model, words = tiny().eval(), numbers(3, LENGTH)
    assert torch.allclose(
        logits(model, {"input_ids": words}),
        logits(model, {"input_ids": words, "attention_mask": words * 0 + 1}),
        atol=1e-6,
    )
    assert torch.isfinite(logits(model, {"input_ids": words, "attention_mask": words * 0})).all()


@pytest.mark.parametrize("method", [None, NoiseInjection(sigma=0.02)])
def test_it_learns_and_its_chips_can_be_counted(method: training.Method | None, tmp_path: Path) -> None:
    samples = sentences()
    recipe = Recipe(epochs=6, batch_size=16, optimizer="adamw", lr=5e-3, schedule="linear", warmup=0.1, clip=1.0)
    model = mho.train(tiny(), samples, recipe=recipe, method=method, validation=samples)
    last = training.history(model)[-1]
    assert last.validation_accuracy is not None
    assert last.validation_accuracy > 0.95
    rules = {"classifier": None, "*pooler*": None, "*": MEMORY}
    chips = mho.deploy(model, rules)
    assert len(chips.placements) == 2 * 6
    assert {d.name for d in chips.digital} >= {"bert.embeddings.word_embeddings.weight", "classifier.weight"}
    result = mho.evaluate(chips, samples, n_chips=4)
    assert result.at().mean.value > 0.8
    again = zoo.load(zoo.save(model, tmp_path / "tuned.safetensors"))
    assert (mho.evaluate(mho.deploy(again, rules), samples, n_chips=4).values == result.values).all()


def test_regression_learns_values() -> None:
    samples = sentences()
    values = Dataset(inputs=samples.inputs, targets=samples.targets.float(), name="values")
    model = mho.train(tiny("regression", num_labels=1), values, recipe=Recipe(epochs=8, batch_size=16, lr=5e-3))
    assert training.history(model)[-1].loss < 0.5 * training.history(model)[0].loss
    assert mho.evaluate(mho.deploy(model, MEMORY), values, n_chips=2, metric="spearman").at().mean.value > 0.5


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_many_chips_at_once_are_the_chips_one_by_one(attention: str) -> None:
    model, inputs = tiny().eval(), sentences(8).inputs
    model.set_attn_implementation(attention)
    weights = mho.deploy(model, MEMORY).weights(range(3))
    one_by_one = looped(model)(weights, inputs)
    assert one_by_one.shape == (3, 8, 2)
    works = vmap_works(model, weights, {key: value[:1] for key, value in inputs.items()})
    assert works or attention == "sdpa"  # torch has no batching rule for the fused kernel of the CPU
    if works:
        assert torch.allclose(batched(model)(weights, inputs), one_by_one, atol=1e-5)


def test_a_decoder_and_its_perplexity(folders: Path, tmp_path: Path) -> None:
    model = zoo.pretrained(folders / "gpt2", task="language-model")
    theirs = transformers.GPT2LMHeadModel.from_pretrained(folders / "gpt2").eval()
    words = numbers(6, LENGTH)
    samples = Dataset(inputs={"input_ids": words[:, :-1]}, targets=words[:, 1:], classes=WORDS, name="words")
    assert torch.allclose(logits(model, samples.inputs), logits(theirs, samples.inputs), atol=1e-6)
    with pytest.raises(
        ModelError, match=r"transformer\.wte\.weight and lm_head\.weight: they are one shared \(tied\).*\n.*fix"
    ):
        mho.deploy(theirs, MEMORY)
    # What no cell holds may be shared: the table is none unless named, the head stays digital.
    kept = mho.deploy(theirs, {"lm_head": None, "*": MEMORY})
    assert "lm_head.weight" not in kept.placements
    assert kept.placements
    untied = mho.deploy(mho.memory.fix(theirs), MEMORY)

    chips = mho.deploy(model, MEMORY)
    kinds = {layer.name: (layer.kind, layer.rows, layer.columns) for layer in mho.describe(chips).stored}
    assert kinds["transformer.h.0.attn.c_attn.weight"] == ("Conv1D", 16, 48)
    assert kinds["lm_head.weight"] == ("Linear", 16, WORDS)
    result = mho.evaluate(chips, samples, n_chips=2, metric="perplexity")
    for chip in range(2):
        outputs = logits(chips.chip(chip), samples.inputs).flatten(0, 1)
        expected = nn.functional.cross_entropy(outputs, samples.targets.flatten()).exp()
        assert result.values[0, 0, chip] == pytest.approx(float(expected), rel=1e-5)
    assert (mho.evaluate(untied, samples, n_chips=2, metric="perplexity").values == result.values).all()

    tuned = mho.train(model, samples, recipe=Recipe(epochs=2, batch_size=2, lr=1e-3))
    assert training.history(tuned)[1].loss < training.history(tuned)[0].loss
    untied_anew = zoo.build("transformers", task="language-model", config={"model_type": "gpt2", **GPT2})
    assert untied_anew.lm_head.weight is not untied_anew.transformer.wte.weight
    assert not torch.equal(tuned.lm_head.weight, tuned.transformer.wte.weight)
    again = zoo.load(zoo.save(tuned, tmp_path / "decoder.safetensors"))
    assert torch.equal(logits(again, samples.inputs), logits(tuned, samples.inputs))


def test_the_words_of_a_user_with_a_network_of_the_library() -> None:
    """Nothing of mho made it: it trains, deploys and is judged all the same."""
    options = {key: value for key, value in BERT.items() if key != "model_type"}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.BertForSequenceClassification(transformers.BertConfig(**options))
    trained = mho.train(model, data.as_dataset((sentences().inputs, sentences().targets)), recipe=Recipe(epochs=1))
    assert mho.evaluate(mho.deploy(trained, MEMORY), sentences(), n_chips=2).values.shape[-1] == 2


def test_it_is_pruned_shrunk_and_stands_stuck_cells(tmp_path: Path) -> None:
    samples, recipe = sentences(), Recipe(epochs=6, batch_size=8, optimizer="adamw", lr=5e-3, schedule="linear")
    pruned = training.prune(mho.train(tiny(), samples, recipe=recipe), samples, columns=0.25, recipe=recipe)
    names = {row.name for row in pruned.layers}
    assert {"bert.encoder.layer.1.attention.self.key", "bert.encoder.layer.0.output.dense"} <= names
    assert "classifier" not in names
    assert (pruned.model.bert.encoder.layer[0].intermediate.dense.weight == 0).all(1).sum() >= 8
    assert torch.allclose(
        logits(training.shrink(pruned.model), samples.inputs), logits(pruned.model, samples.inputs), atol=1e-5
    )
    again = zoo.load(zoo.save(pruned.model, tmp_path / "pruned.safetensors"))
    schemes = ("none", "paper")
    worn = mho.deploy(again, {"classifier": None, "*": redundancy.scheme("none", 0.2)}).chip(0)
    for row in pruned.layers:
        before, after = (m.get_submodule(row.name).weight for m in (pruned.model, worn))
        closed = (before == 0).all(1)
        assert closed.any()
        assert (after[closed] == 0).all()
        assert not torch.allclose(after, before, atol=0.1 * float(before.detach().abs().max()))
    curves = mho.faults(again, samples, rates=[1e-3, 0.2], schemes=schemes, n_chips=3, show_progress=False)
    assert curves.values.shape == (2, 2, 3)
    assert (curves.values[:, 0].mean(-1) > 0.9).all()


def test_a_stuck_decoder_is_that_of_its_planes(folders: Path) -> None:
    """``Conv1D`` keeps its weight the other way round: columns are its second dimension."""
    model = zoo.pretrained(folders / "gpt2", task="language-model")
    cells = devices.StuckAt.at_rate(0.05)
    mapping = mho.mapping.BitPlanes(flip="all", granularity="channel")
    chip = mho.deploy(model, Memory(device=cells, mapping=mapping)).chip(0)
    name = "transformer.h.0.attn.c_attn.weight"
    turned = nn.ModuleDict({"x": nn.Linear(16, 48, bias=False)})
    weight = model.get_parameter(name)
    step = weight.detach().abs().amax(0) / 255
    errors = (chip.get_parameter(name) - weight) / step
    whole = (chip.get_parameter(name) / step).detach()
    assert torch.allclose(whole, whole.round(), atol=1e-2)
    assert 0.1 < float((errors.abs() > 1).float().mean()) < 0.9
    with torch.no_grad():
        turned["x"].weight.copy_(weight.T)
    clean = mho.deploy(turned, Memory(device=devices.StuckAt.at_rate(0.0), mapping=mapping)).chip(0)
    same = mho.deploy(model, Memory(device=devices.StuckAt.at_rate(0.0), mapping=mapping)).chip(0)
    assert torch.equal(clean["x"].weight.T, same.get_parameter(name))
