from pipeline.execution import machine
from pipeline.execution.machine import Machine
from pipeline.report.sections.page import page
from tests.support import reports
from tests.support.reports import Parsed


def test_the_type_of_machine_is_said_where_it_was_recorded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reports.make()
    before = page(reports.results())
    run = reports.results().run
    Machine(gpu="none", kernels="Eigen", processor="x86_64 avx2").write(machine.path(run))
    words = " ".join(Parsed(page(reports.results())).words)
    assert "Type of machine that trained it x86_64 avx2, Eigen" in words
    assert f"metrics/runs/{run}/machine.json" in words
    assert "Type of machine" not in before
