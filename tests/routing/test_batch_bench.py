"""The public benchmark of batches: the same instance for everybody, each figure by its name."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from ordermesh.routing.audit.sampling import write_sample
from ordermesh.routing.bench import batches, beside
from ordermesh.routing.bench.batches import Asked, measure_batch, measure_seeds
from ordermesh.routing.bench.instances import batch_of, draw_batch, regions_of
from ordermesh.routing.bench.priced import Priced, measure_priced
from ordermesh.routing.domain.batch.exchange import dump_batch, load_batch, load_plan
from ordermesh.routing.domain.batch.verification import verify_batch
from ordermesh.sample.retailer import build_retailer

FIELDS = {
    "orders",
    "regime",
    "cost",
    "bound",
    "gap",
    "seconds",
    "cost_vs_nearest",
    "cost_vs_priority",
    "cost_vs_myopic",
    "extra_parcels",
    "extra_parcels_nearest",
    "days",
    "days_nearest",
    "co2e_kg",
    "verifier_failures",
}


def test_an_instance_is_the_same_every_time_and_another_with_another_seed() -> None:
    one, again, other = (draw_batch(60, "peak", seed) for seed in (1, 1, 2))

    assert dump_batch(one) == dump_batch(again)
    assert dump_batch(one) != dump_batch(other)
    assert len(one.locations.ids) == 210
    assert (one.stock.credit > 0).any()


def test_what_was_exported_is_decided_like_what_was_drawn(tmp_path: Path) -> None:
    file, plan = tmp_path / "batch.json", tmp_path / "plan.json"
    drawn = measure_batch(Asked(80, "scarce", quick=True, export=file, plan=plan))

    read = measure_batch(Asked(0, "peak", quick=True, instance=file))

    assert set(drawn) >= FIELDS
    assert (read["cost"], read["bound"]) == (drawn["cost"], drawn["bound"])
    assert (read["moves"], read["passes"]) == (drawn["moves"], drawn["passes"])
    assert drawn["most_vs_myopic"] <= drawn["cost_vs_myopic"] + 1e-4  # type: ignore[operator]
    assert drawn["memory_mib"] > 50  # type: ignore[operator]  # numpy alone has that
    assert drawn["verifier_failures"] == 0
    assert drawn["cost_vs_myopic"] <= 0  # type: ignore[operator]  # it is a number
    batch = load_batch(file.read_text())
    verify_batch(batch, load_plan(batch, plan.read_text()))
    assert json.loads(plan.read_text())["status"] in ("FEASIBLE", "OPTIMAL")


def test_a_plan_that_is_refused_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(batches, "find_batch_faults", lambda *_, **__: ["It is not true."])

    found = measure_batch(Asked(40, "calm", quick=True))

    assert found["verifier_failures"] == 7
    assert "REFUSED: It is not true." in capsys.readouterr().out


def test_seeds_are_told_with_their_mean_and_spread() -> None:
    found = measure_seeds(Asked(40, "calm", quick=True), 3)

    assert set(found) >= FIELDS | {"seeds", "spread", "runs"}
    runs, spread = found["runs"], found["spread"]
    assert isinstance(runs, list)
    assert isinstance(spread, dict)
    costs = [run["cost"] for run in runs]
    assert len(set(costs)) == 3
    assert spread["cost"] == [min(costs), max(costs)]
    assert found["cost"] == pytest.approx(sum(costs) / 3)
    assert found["orders"] == 40
    assert [run["seed"] for run in runs] == [1, 2, 3]


def test_what_leaves_from_the_region_that_it_goes_to_is_counted() -> None:
    retailer = build_retailer(1, 60, "peak", kits=0)
    batch = batch_of(retailer, "some", 1)
    regions = regions_of(retailer, batch)
    order = batch.order_of_atom
    at_home = regions.destination[batch.orders.destination[order]]
    away = (at_home + 1) % 10

    assert regions.location[:10].tolist() == list(range(10))
    assert regions.share_within(batch, at_home) == 1
    assert regions.share_within(batch, away) == 0
    assert regions.share_within(batch, np.full(len(order), -1)) == 0


def test_a_network_and_a_rate_card_by_path_are_compared_with_a_greedy_that_is_no_earlier(
    tmp_path: Path,
) -> None:
    _, rates, _ = write_sample(tmp_path, 1, "nearest")
    stores = tmp_path / "stores.csv.gz"
    rows = [f"{40 + n / 10},{-90 - n / 5},60601" for n in range(30)] + ["21.3,-157.8,96813", ",,x"]
    stores.write_bytes(gzip.compress("\n".join(["Latitude,LON,zip", *rows]).encode()))

    found = measure_priced(Priced(120, "peak", rates, stores=stores, quick=True))

    assert found["locations"] == 40
    assert found["verifier_failures"] == 0
    assert float(found["bound"]) <= float(found["cost"]) <= float(found["greedy_cost"])
    assert float(found["late"]) <= float(found["late_greedy"])
    assert 0 <= float(found["saving"]) <= float(found["most"])


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_calls_are_measured_alone_and_beside_a_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(beside, "ROUNDS", 1)

    found = await beside.measure_beside(30, 2.0, 1)

    assert found["plans"] == 1
    assert found["calls_alone"] > 0
    assert found["calls_beside"] > 0
    assert found["loop_busy_max_ms"] > 0
    # Of one turn the middle, the least and the most are the same.
    apart = pytest.approx(found["p99_beside_ms"] - found["p99_alone_ms"])
    assert found["p99_delay_ms"] == apart
    assert found["p99_delay_least_ms"] == apart
    assert found["p99_delay_most_ms"] == apart
    assert found["p99_ratio"] > 0
