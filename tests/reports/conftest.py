"""Results shaped like a study's, from numpy with a fixed seed: no network, no torch."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stand_ins import FOUND, verification, worst_case, writing

from mho.evaluation.result import Result
from mho.memory.description import Description, DigitalTensor, StoredLayer
from mho.reports import write

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
]  # fmt: skip
YEAR = 31_557_600.0
Make = Callable[..., Result]
Axes = Mapping[str, Mapping[str, str]]


def _make(
    label: str = "RRAM1",
    *,
    softness: float = 1.0,
    seed: int = 1,
    sigma: tuple[float | None, ...] = (0.02, 0.05, 0.1, 0.15, 0.2),
    age: tuple[float, ...] = (0.0, YEAR),
    chips: int = 100,
    threshold: float | None = 0.97,
    percentiles: tuple[float, ...] = (1.0, 5.0),
    provenance: dict[str, object] | None = None,
) -> Result:
    rng = np.random.default_rng(seed)
    luck = rng.standard_exponential(chips)
    spread = np.array([s or 0.1 for s in sigma])[:, None, None]
    drift = np.array([1 + 0.033 * np.log10(1 + a) for a in age])[None, :, None]
    values = np.round(0.9887 - (softness * spread * drift) ** 2 * (0.6 + 0.35 * luck), 4)
    return Result(
        values=values,
        ekl=0.02 + 1.5 * (0.99 - values),
        sigma=sigma,
        age=age,
        metric="accuracy",
        ideal=0.9889,
        digital=0.9891,
        images=10_000,
        percentiles=percentiles,
        threshold=threshold,
        label=label,
        provenance={"torch": "2.11", "wall_s": 48.37} if provenance is None else provenance,
    )


@pytest.fixture(scope="session")
def make() -> Make:
    return _make


@pytest.fixture(scope="session")
def results() -> dict[str, Result]:
    """Two devices x 5 sigmas x 2 ages x 100 chips."""
    return {"RRAM1": _make("RRAM1"), "FeFET1": _make("FeFET1", softness=1.55, seed=2)}


def _study(models: int, devices: int, seeds: int = 1, **options: object) -> tuple[dict[str, Result], Axes]:
    results: dict[str, Result] = {}
    axes: dict[str, dict[str, str]] = {}
    for m, model in enumerate(["lenet", "resnet18", "vgg9", "vit-tiny"][:models]):
        for d, device in enumerate(["RRAM1", "RRAM2", "FeFET1", "FeFET2", "PCM"][:devices]):
            for seed in range(seeds):
                label = f"model={model}, memory.device={device}, seed={seed}"
                softness = 0.6 + 0.5 * m + 0.25 * d
                results[label] = _make(label, softness=softness, seed=len(results), **options)
                axes[label] = {"model": model, "memory.device": device, "seed": str(seed)}
    return results, axes


@pytest.fixture(scope="session")
def build_study() -> Callable[..., tuple[dict[str, Result], Axes]]:
    return _study


@pytest.fixture(scope="session")
def study() -> tuple[dict[str, Result], Axes]:
    """3 networks x 5 devices, 3 sigmas x 2 ages x 40 chips; networks and devices order the results."""
    return _study(3, 5, sigma=(0.05, 0.1, 0.2), chips=40)


@pytest.fixture(scope="session")
def description() -> Description:
    layer = StoredLayer(
        name="fc.weight", kind="Linear", shape=(10, 84), rows=84, columns=10, matrices=1, cells=6720, tiles=1,
        scale="tensor", rms_error=0.0044, max_error=0.007, memory="rram",
    )  # fmt: skip
    kept = tuple(
        DigitalTensor(name=f"norm{i}.bias", kind="BatchNorm2d", shape=(16,), reason="normalisation stays digital")
        for i in range(20)
    )
    return Description(
        model="LeNet", stored=(layer,), digital=kept, tile=(128, 128), memories={"rram": "kind: Memory\n"}
    )


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("chromium or chromedriver is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    running = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield running
    running.quit()


@pytest.fixture
def open_page(browser: Any) -> Callable[..., None]:
    def load(address: str, width: int = 1400, scheme: str = "light") -> None:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        browser.get(address)

    return load


@pytest.fixture(scope="session")
def study_address(study: tuple[dict[str, Result], Axes], tmp_path_factory: pytest.TempPathFactory) -> str:
    results, axes = study
    path: Path = tmp_path_factory.mktemp("study") / "report.html"
    write(
        path, title="Fifteen results", results=results, axes=axes, command="mho study run study.yaml",
        specs=dict.fromkeys(results, "kind: Memory\n"), references=("qin2025neft",),
        notices=["This table mixes versions."], failures={"lost": "Traceback " + "x" * 300},
    )  # fmt: skip
    return path.as_uri()


@pytest.fixture(scope="session")
def chapters_address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Results that were verified, worst cases and verifications, all with awkward labels."""
    path: Path = tmp_path_factory.mktemp("chapters") / "report.html"
    long = "a-network-with-an-unbroken-name" * 6
    write(
        path, title="Three questions", results={"RRAM1": replace(_make(), writing=writing(5, timed=True))},
        command="mho evaluate x", specs={"RRAM1": "kind: Memory\n"},
        worst=[worst_case(tolerances=True, label=long), *(worst_case(n, tolerances=True) for n in [*FOUND][1:])],
        verifications=[verification(), verification(long, ease=0.24)],
    )  # fmt: skip
    return path.as_uri()
