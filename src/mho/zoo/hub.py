"""Checkpoints on the Hugging Face hub, written ``hf://owner/name/file.safetensors``."""

from __future__ import annotations

from pathlib import Path

from mho.errors import CheckpointError


def fetch(path: str | Path) -> Path:
    """The local file for ``path``: a hub address is downloaded (``huggingface_hub`` caches it).

    Raises:
        CheckpointError: malformed address, ``huggingface_hub`` not installed, or the download failed.
    """
    if not str(path).startswith("hf:"):
        return Path(path).expanduser()
    address = str(path)
    owner, _, rest = address.removeprefix("hf://").partition("/")
    name, _, file = rest.partition("/")
    if not (address.startswith("hf://") and owner and name and file):
        raise CheckpointError(f"'{address}' is no hub address: write hf://owner/name/file.safetensors")
    try:
        from huggingface_hub import hf_hub_download
    except ImportError:
        raise CheckpointError(f"'{address}' needs huggingface_hub: pip install 'mho[hub]'") from None
    try:
        return Path(hf_hub_download(repo_id=f"{owner}/{name}", filename=file))
    except Exception as error:  # the hub raises its own, requests' and urllib3's errors
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CheckpointError(f"could not download '{address}': {reason}") from None
