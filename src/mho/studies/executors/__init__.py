"""Who computes a study: this process, processes of this machine, or a Ray cluster."""

from mho.studies.executors.base import Executor, Job, Outcome
from mho.studies.executors.inline import Inline
from mho.studies.executors.processes import Processes
from mho.studies.executors.ray import Ray

__all__ = ["Executor", "Inline", "Job", "Outcome", "Processes", "Ray"]
