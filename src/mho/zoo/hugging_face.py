"""Networks of the Hugging Face library ``transformers``, from a folder or the hub: read, rebuilt, saved as any other.

Weights are read from safetensors alone, and code of a repository is never run.
"""

from __future__ import annotations

import importlib
import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from mho.errors import CheckpointError, SpecError, unknown
from mho.zoo.hooks import cut_padding, one_value
from mho.zoo.initialise import check_size
from mho.zoo.registry import build

TASKS = {
    "classification": "AutoModelForSequenceClassification",
    "regression": "AutoModelForSequenceClassification",
    "language-model": "AutoModelForCausalLM",
}
"""What a network is for, and the class of transformers that chooses it by its configuration."""


def pretrained(
    name: str | Path,
    *,
    task: str = "classification",
    classes: int | None = None,
    revision: str | None = None,
    seed: int = 0,
) -> nn.Module:
    """A network of ``transformers`` with its pretrained weights, in eval mode on the CPU.

    It is the network that ``transformers`` makes, and takes what that takes, as keywords: ``input_ids``,
    ``attention_mask``, ``token_type_ids``, all ``(n, length)`` int64. Its ``logits`` are ``(n, classes)``, of
    "regression" ``(n,)``, of "language-model" ``(n, length, vocabulary)``: scores of the next token. It trains,
    deploys and evaluates as any other; :func:`mho.zoo.save` keeps what :func:`mho.zoo.load` rebuilds it from.

    Padding at the end that all texts of a batch share is cut off before the first layer ("language-model" keeps it):
    the numbers are the same but for rounding. The output layer of a language model gets weights of its own where it
    shares them with the embedding: cells of an array cannot also be a table.

    Args:
        name: a folder with ``config.json`` and ``model.safetensors``, or a name on the hub such as
            ``"bert-base-uncased"`` (downloaded once; ``HF_HUB_OFFLINE=1`` looks only at what is here).
        task: "classification" or "regression" of whole texts, or "language-model".
        classes: number of classes; the configuration's if left out.
        revision: commit, tag or branch on the hub; a commit never changes.
        seed: of the weights that the file does not have (or not of this size), such as those of a new classifier; a
            warning names them.

    Raises:
        SpecError: ``transformers`` is not installed, or an argument is out of range.
        CheckpointError: no such network, weights that are pickled or do not fit, or no weights for its body.
    """
    if task not in TASKS:
        raise unknown("task", task, TASKS)
    if classes is not None:
        check_size("classes", classes)
        if task != "classification":
            raise SpecError(f"classes={classes} is for task='classification', and this is '{task}'; leave it out")
    library = _library()
    source = _source(name)
    with _quiet(library), _one_line(source):
        config = library.AutoConfig.from_pretrained(source, revision=revision)
        if task == "regression" or classes is not None:
            config.num_labels = classes or 1
        kind = getattr(library, TASKS[task])
        with torch.random.fork_rng(devices=[]):
            found, said = kind.from_pretrained(
                source,
                config=config,
                revision=revision,
                use_safetensors=True,
                dtype=torch.float32,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
    _check_decodes(library, config, task)
    absent = {str(key) for key in said["missing_keys"]} | {str(key) for key, *_ in said["mismatched_keys"]}
    new = _new(found, absent, source)
    network = build("transformers", seed=seed, task=task, config=_plain(config))
    network.load_state_dict({key: value for key, value in found.state_dict().items() if key not in new}, strict=False)
    if new:
        warnings.warn(
            f"{source} has no weights of this size for {', '.join(sorted(new)[:4])}: they start at random, train them "
            "before use",
            stacklevel=2,
        )
    return network.eval()


def from_config(*, task: str, config: Mapping[str, Any]) -> nn.Module:
    """The network that a configuration describes, with starting weights; for :func:`mho.zoo.build`.

    Args:
        task: see :func:`pretrained`.
        config: what ``config.json`` holds.

    Raises:
        SpecError: ``transformers`` is not installed, or does not know the configuration.
    """
    if task not in TASKS:
        raise unknown("task", task, TASKS)
    library = _library()
    # A tied output layer could not be told from the embedding in what is saved, nor stored beside it.
    options = {**config, "tie_word_embeddings": False, "use_cache": False} if task == "language-model" else dict(config)
    model_type = options.pop("model_type", None)
    try:
        with _quiet(library):
            made = library.AutoConfig.for_model(model_type, **options)
            _check_decodes(library, made, task)
            network: nn.Module = getattr(library, TASKS[task]).from_config(made)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SpecError(f"transformers cannot build a '{model_type}' for task='{task}': {_first(error)}") from None
    if task != "language-model":
        network.register_forward_pre_hook(cut_padding, with_kwargs=True)
    if task == "regression":
        network.register_forward_hook(one_value)
    return network.float()


def _check_decodes(library: ModuleType, config: Any, task: str) -> None:
    """Refuse an encoder as a language model: every place would see the word that it shall tell."""
    encodes = type(config) in library.MODEL_FOR_MASKED_LM_MAPPING and not config.is_encoder_decoder
    if task == "language-model" and encodes and not getattr(config, "is_decoder", False):
        raise SpecError(
            f"a '{config.model_type}' sees the whole text at once and tells no next token; task='language-model' takes "
            "decoders such as gpt2"
        )


def _new(network: nn.Module, missing: set[str], source: str) -> set[str]:
    """Which of the ``missing`` weights the head has; the body must have all of its own, but for a pooler."""
    prefix = f"{getattr(network, 'base_model_prefix', '')}."
    body = sorted(key for key in missing if key.startswith(prefix) and ".pooler." not in key)
    if body:
        more = f" and {len(body) - 1} more" if len(body) > 1 else ""
        raise CheckpointError(f"{source} is no {type(network).__name__}: it has no such {body[0]}{more}")
    tied = set(getattr(network, "all_tied_weights_keys", None) or ())
    return missing - tied


def _plain(config: Any) -> dict[str, Any]:
    """What rebuilds the network, as plain data."""
    said: dict[str, Any] = json.loads(config.to_json_string(use_diff=True))
    for key in ("transformers_version", "architectures", "dtype", "torch_dtype"):
        said.pop(key, None)
    return said


def _source(name: str | Path) -> str:
    """A folder here, or a name on the hub."""
    path = Path(name).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise CheckpointError(f"{path} holds no config.json: it is no network of transformers")
        return str(path)
    if path.is_file():
        raise CheckpointError(f"{path} is a file; name the folder that holds it and its config.json")
    text = str(name).removeprefix("hf://")
    if isinstance(name, Path) or text.startswith((".", "/", "~")) or text.count("/") > 1:
        raise CheckpointError(f"no folder {path}")
    return text


@contextmanager
def _one_line(source: str) -> Iterator[None]:
    """Turn what ``transformers`` and the hub raise into one line."""
    try:
        yield
    except SafetensorError as error:
        raise CheckpointError(
            f"'{source}' cannot be read: truncated, or no safetensors file ({_first(error)})"
        ) from None
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        reason = _first(error)
        if "file named model.safetensors" in str(error):
            reason = "it has no model.safetensors, and pickled weights are never read: convert them once"
        raise CheckpointError(f"'{source}' cannot be read: {reason}") from None


@contextmanager
def _quiet(library: ModuleType) -> Iterator[None]:
    """Without the bars and notes of ``transformers``: what matters of them is raised or warned of here."""
    log = library.logging
    before, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(before)
        if bars:
            log.enable_progress_bar()


def _library() -> ModuleType:
    try:
        library = importlib.import_module("transformers")
        importlib.import_module("transformers.utils.logging")
    except ImportError:
        raise SpecError("this network needs transformers: pip install 'mho[transformers]'") from None
    return library


def _first(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
