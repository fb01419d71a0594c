import csv
from pathlib import Path

from pipeline.core import files
from pipeline.transfer import report
from pipeline.transfer.study import Transfer, study
from tests.support.builders import ROOT


def shown(folder):
    report.write(folder, study(folder), 50)
    return {path.name: path.read_bytes() for path in sorted(Path(folder, "metrics").glob("tr*.*"))}


def test_report_shows_the_study(folder):
    found = shown(folder)
    assert list(found) == [f"transfer.{kind}" for kind in ("csv", "json", "md", "png")]
    results = study(folder)
    assert Transfer.model_validate_json(found["transfer.json"]) == results
    rows = list(csv.DictReader(found["transfer.csv"].decode().splitlines()))
    ten, fifty = results.targets["shoes"].sizes
    assert [row["images_per_class"] for row in rows] == ["10", "50"]
    assert [float(rows[0][name]) for name in ("fresh", "tuned_low", "difference", "high")] == [
        ten.fresh.mean,
        ten.tuned.interval[0],
        ten.difference,
        ten.interval[1],
    ]
    assert (rows[1]["seeds"], rows[1]["low"]) == ("1", "")
    table = found["transfer.md"].decode().splitlines()
    assert table[2].startswith(f"| shoes | 10 | {ten.fresh.mean:.4f} | {ten.fresh.interval[0]:.4f}")
    assert table[3].endswith(f"| {fifty.difference:+.4f} |  |")
    assert len({line.count("|") for line in table}) == 1
    assert found == shown(folder)


def test_results_md_has_the_table_of_what_is_committed():
    study = Transfer.model_validate(files.read_json(ROOT / "transfer/metrics/transfer.json"))
    page = (ROOT / "docs/results.md").read_text(encoding="utf-8")
    assert report.markdown(study) in page
    assert not study.missing
