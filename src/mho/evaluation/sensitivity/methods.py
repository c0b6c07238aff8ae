"""The table of methods, to which a user's are added."""

from __future__ import annotations

from mho.errors import SpecError, unknown
from mho.evaluation.sensitivity import (
    addressed,
    fisher,
    gauss_newton,
    hutchinson,
    magnitude,
    saliency,
    second_derivative,
)
from mho.evaluation.sensitivity.method import Method

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        second_derivative.METHOD,
        gauss_newton.METHOD,
        gauss_newton.EXACT,
        hutchinson.METHOD,
        fisher.METHOD,
        saliency.METHOD,
        magnitude.METHOD,
        addressed.METHOD,
    )
}
"""Every method by name."""


def register(method: Method) -> Method:
    """Give :func:`mho.sensitivity` another method::

        register(Method(name="gradient", run=lambda task: Found({...}), power=1))

    Raises:
        SpecError: it is no :class:`Method`, or the name is taken.
    """
    if not isinstance(method, Method):
        raise SpecError(f"register takes a Method(name=..., run=...), not a {type(method).__name__}")
    if method.name in METHODS:
        raise SpecError(f"the name '{method.name}' is taken")
    METHODS[method.name] = method
    return method


def get_method(name: str) -> Method:
    """The method called ``name``.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in METHODS:
        raise unknown("method", str(name), METHODS)
    return METHODS[name]
