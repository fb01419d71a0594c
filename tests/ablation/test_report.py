import base64
import csv
import hashlib
import re
from pathlib import Path

from pipeline.ablation import report
from pipeline.ablation.study import Study, study
from pipeline.core import files
from tests.support.builders import ROOT
from tests.support.study import evaluate


def shown(folder):
    report.write(folder, study(folder), 50)
    return {
        path.name: path.read_bytes() if path.suffix == ".png" else path.read_text()
        for path in sorted(Path(folder, "metrics").glob("ablation.*"))
    }


def test_report_shows_the_study(folder):
    found = shown(folder)
    assert list(found) == [
        f"ablation.{kind}" for kind in ("csv", "html", "json", "md", "png", "svg")
    ]
    results = study(folder)
    assert Study.model_validate_json(found["ablation.json"]) == results
    rows = list(csv.DictReader(found["ablation.csv"].splitlines()))
    assert [row["change"] for row in rows] == ["plain", "more_dropout"]
    dropout = results.changes["more_dropout"]
    assert [float(rows[1][name]) for name in ("accuracy", "low", "gap")] == [
        dropout.accuracy,
        dropout.interval[0],
        dropout.gap,
    ]
    assert rows[0]["low"] == ""
    assert found["ablation.md"] == report.markdown(results)
    table = found["ablation.md"].splitlines()
    assert len(table) == 4
    assert f"`model.dropout: 0.5` | {dropout.accuracy:.4f} |" in table[3]
    assert len({line.count("|") for line in table}) == 1
    page = found["ablation.html"]
    assert '<th scope="row">more_dropout</th>' in page
    assert "Not evaluated yet: late_0." in page
    assert f"{dropout.difference:+.4f}" in page
    assert "<script" not in page
    style = re.search("<style>(.*)</style>", page, re.S)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'" in page
    assert not re.search(r'(src|href)="(?!data:)', page)


def test_report_is_the_same_each_time(folder):
    assert shown(folder) == shown(folder)


def test_best_comes_first_after_the_baseline(folder):
    results = study(folder)
    dropout = results.changes["more_dropout"]
    more = {
        name: dropout.model_copy(update={"accuracy": value})
        for name, value in (("a", 0.1), ("b", 0.99))
    }
    results = results.model_copy(update={"changes": {**results.changes, **more}})
    assert report.ordered(results) == ["plain", "b", "more_dropout", "a"]


def test_a_change_with_one_seed_is_shown(folder):
    evaluate("study/late_0", 7)
    assert "| late |" in shown(folder)["ablation.md"]


def test_results_md_has_the_table_of_what_is_committed():
    page = (ROOT / "docs/results.md").read_text(encoding="utf-8")
    path = ROOT / "ablation/metrics/ablation.json"
    not_run = "**The study has not been run yet.**" in page
    assert not_run != path.exists()
    if path.exists():
        assert report.markdown(Study.model_validate(files.read_json(path))) in page
