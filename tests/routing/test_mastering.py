"""The restricted master in a process of its own: the same choice, and memory that is its own."""

import numpy as np

from ordermesh.routing.background.mastering import MasterProcess, memory_kib
from ordermesh.routing.solver.batch.engine import Budget, plan_batch
from ordermesh.routing.solver.batch.master import Chosen, Master, solve_master
from tests.routing.batches import draw_small

BRIEF = Budget(passes=40, moves=2, final_passes=10)


def a_master() -> Master:
    """One that a batch asks for."""
    asked: list[Master] = []

    def choose(master: Master) -> Chosen | None:
        asked.append(master)
        return None

    plan_batch(draw_small(7, orders=60, locations=6, skus=12), 1, BRIEF, choose=choose)
    return asked[0]


def test_a_process_chooses_what_is_chosen_without_one() -> None:
    master = a_master()
    process = MasterProcess(60.0)

    found, here = process(master), solve_master(master, 60.0)

    assert found is not None
    assert here is not None
    assert found.columns.tolist() == here.columns.tolist()
    assert (found.is_optimal, found.is_exact) == (here.is_optimal, here.is_exact)


def test_what_a_process_had_of_memory_is_not_what_its_parent_has() -> None:
    process = MasterProcess(60.0)
    parents = np.ones(2**26)  # 512 MiB

    assert process(a_master()) is not None

    assert memory_kib() > parents.nbytes // 1024
    assert 10_000 < process.memory_kib < parents.nbytes // 1024
