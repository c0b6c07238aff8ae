"""What every conformance suite says, and how."""

from __future__ import annotations

import yaml

from mho.spec import Spec, from_dict


def say(condition: bool, otherwise: str) -> None:
    """Raise :class:`AssertionError` with this one line unless ``condition`` holds."""
    if not condition:
        raise AssertionError(otherwise)


def check_spec(spec: Spec, base: type[Spec], what: str) -> None:
    """Raise unless ``spec`` is a ``base`` that comes back equal from YAML, as which files and other processes have it.

    Args:
        spec: of a user.
        base: what it should be, a class in ``mho``.
        what: the word for it, such as "device".
    """
    say(isinstance(spec, base), f"a {type(spec).__name__} is no {base.__module__.rpartition('.')[0]}.{base.__name__}")
    copy = from_dict(yaml.safe_load(spec.to_yaml()))
    say(copy == spec, f"its YAML transcript makes another {what}: {copy}")
    say(hash(copy) == hash(spec) and copy.digest() == spec.digest(), f"equal {what}s have different hashes")
    keys = getattr(spec, "references", ())
    fits = isinstance(keys, tuple) and all(isinstance(key, str) for key in keys)
    say(fits, f"references is {keys!r}, not a tuple of BibTeX keys")
