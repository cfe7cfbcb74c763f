"""The public benchmark of batches: the same instance for everybody, each figure by its name."""

import json
from pathlib import Path

import pytest

from ordermesh.routing.bench import batches
from ordermesh.routing.bench.batches import Asked, measure_batch
from ordermesh.routing.bench.instances import draw_batch
from ordermesh.routing.domain.batch.exchange import dump_batch, load_batch, load_plan
from ordermesh.routing.domain.batch.verification import verify_batch

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
