"""Three courses side by side that look for the strength of the errors; see :class:`SigmaSearch`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mho.data.dataset import Dataset
from mho.errors import ModelError, SpecError
from mho.memory.rules import Rules, normalise
from mho.progress import Bar
from mho.training.course import Course
from mho.training.monitor import Judge, Judgement
from mho.training.recipe import Recipe
from mho.training.sigma_search import SigmaSearch


class Searching:
    """Three copies of one network, trained with weaker, middle and stronger errors; all go on from the best.

    Args:
        search: the interval and how it narrows.
        high: its upper end.
        judge: tells which copy is best.
        course: ``course(sigma)`` makes one copy.
    """

    def __init__(self, search: SigmaSearch, high: float, judge: Judge, course: Callable[[float], Course]) -> None:
        self._search, self._judge = search, judge
        self._low, self._high = search.low, high
        self._courses = [course(sigma) for sigma in self._strengths()]
        self.sigma: float | None = None
        self.judgement: Judgement | None = None

    @property
    def leader(self) -> Course:
        """The copy that is best."""
        return self._courses[0]

    @property
    def steps(self) -> int:
        """Mini-batches of an epoch, of all copies."""
        return 3 * self.leader.steps

    @property
    def settled(self) -> bool:
        """Whether the interval is too narrow to tell strengths apart."""
        return self._high - self._low < self._search.narrowest

    def epoch(self, number: int, bar: Bar) -> tuple[float, float | None]:
        """One epoch of every copy that still counts, after which all are copies of the best."""
        if number < self._search.warmup:
            return self._alone(number, bar, None)
        if self.settled:
            alone = self._alone(number, bar, (self._low + self._high) / 2)
            self.judgement = self._judged(self.leader)
            return alone
        strengths = self._strengths()
        told, judgements, lost = {}, {}, []
        for i, (course, sigma) in enumerate(zip(self._courses, strengths, strict=True)):
            course.run.retune(sigma)
            try:
                told[i] = course.epoch(number, bar)
            except ModelError as error:  # errors too strong to learn under lose against weaker ones
                lost.append(error)
                continue
            judgements[i] = self._judged(course)
        if not judgements:
            raise lost[0]
        # The weaker strength where two are as good: it costs the least clean accuracy.
        best = max(judgements, key=lambda i: (judgements[i].score, -i))
        self._follow(self._courses[best])
        self.sigma, self.judgement = strengths[best], judgements[best]
        self._low, self._high = _narrowed(self._low, self._high, best, self._search.narrowing)
        return told[best]

    def _judged(self, course: Course) -> Judgement:
        return course.ranks.first(lambda: self._judge(course.model))

    def _alone(self, number: int, bar: Bar, sigma: float | None) -> tuple[float, float | None]:
        """An epoch in which there is nothing to choose: with errors of strength ``sigma``, or of plain training."""
        if sigma is not None:
            self.leader.run.retune(sigma)
        told = self.leader.epoch(number, bar, method=sigma is not None)
        self._follow(self.leader)
        self.sigma, self.judgement = sigma, None
        bar.advance(2 * self.leader.steps)
        return told

    def _follow(self, best: Course) -> None:
        for course in self._courses:
            if course is not best:
                course.load(best.state())

    def _strengths(self) -> list[float]:
        width = self._high - self._low
        return [self._low + width * part / 4 for part in (1, 2, 3)]

    def state(self) -> dict[str, Any]:
        """As :meth:`Course.state`; between epochs the three copies are one."""
        return {"course": self.leader.state(), "low": self._low, "high": self._high}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from where :meth:`state` was taken."""
        self._low, self._high = state["low"], state["high"]
        for course in self._courses:
            course.load(state["course"])

    def close(self) -> None:
        """Undo what the method did to the copies."""
        for course in self._courses:
            course.close()


def _narrowed(low: float, high: float, best: int, narrowing: str) -> tuple[float, float]:
    """What is left of the interval when the best of its quarter points is ``best``: 0, 1 or 2."""
    quarter = (high - low) / 4
    if narrowing == "outer" and best != 1:  # only what lies beyond the other end is left out
        return (low, high - quarter) if best == 0 else (low + quarter, high)
    return low + best * quarter, low + (best + 2) * quarter


def searching(
    search: SigmaSearch, memory: Rules, data: Dataset, recipe: Recipe, course: Callable[[float], Course]
) -> Searching:
    """The three courses of ``search``, judged on chips of ``memory`` and samples ``data`` that were held out.

    Raises:
        SpecError: the memory has no severity that says where the interval ends, the interval is empty, or the run ends
            before the search begins.
    """
    if search.warmup >= recipe.epochs:
        raise SpecError(f"SigmaSearch: warmup={search.warmup} leaves none of {recipe.epochs} epochs to search in")
    high = upper_end(search, memory)
    judge = Judge(rules=memory, data=data, chips=search.chips, percentile=search.percentile, seed=recipe.seed)
    return Searching(search, high, judge, course)


def check_severity(method: str, memory: Rules) -> None:
    """Refuse a search for the strength of errors that come from a memory of no such strength.

    Args:
        method: that searches.
        memory: whose errors it would inject.

    Raises:
        SpecError: a device of it has no sigma.
    """
    for one in normalise(memory).values():
        if one is None:
            continue
        try:
            one.with_sigma(0.0)
        except SpecError:
            raise SpecError(
                f"{method}: sigma=SigmaSearch(...) looks for the sigma of the memory, and device={one.device.label} "
                "has none; give the method noise=mho.training.GaussianNoise(), or take a device with a sigma"
            ).at("sigma") from None


def upper_end(search: SigmaSearch, memory: Rules) -> float:
    """Where the interval ends: where ``search`` says, or at twice the severity of ``memory``.

    Raises:
        SpecError: the memory has no severity, or the interval is empty.
    """
    if search.high is not None:
        return search.high
    memories = [m for m in normalise(memory).values() if m is not None]
    severities = [s for s in (getattr(m.device, "sigma", None) for m in memories) if s is not None]
    if not severities:
        raise SpecError(
            "the memory has no sigma that would bound the search for the strength; give its upper end: "
            "SigmaSearch(high=0.2), --high 0.2"
        ).at("sigma")
    high = 2 * max(severities)
    if high <= search.low:
        raise SpecError(
            f"SigmaSearch: low={search.low:g} is not below {high:g}, twice the severity of the memory; give high="
        ).at("sigma")
    return float(high)
