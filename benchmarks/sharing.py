"""Sharing: `dvc push` and `dvc pull` of CIFAR-10's extracted data and shards, a folder as remote.

Against the same images as loose files in a folder that DVC tracks.
"""

from benchmarks.data import DATASET
from benchmarks.measuring import BenchmarkError, Case, Finding, Measured, Quantities
from benchmarks.project import Repository, copied, need, scratch
from benchmarks.settings import Settings

OURS = (f"data/extracted/{DATASET}", f"data/shards/{DATASET}")


def run(settings: Settings) -> list[Finding]:
    """Measure."""
    need("7z", "p7zip-full")
    with copied(settings, DATASET) as project, scratch(settings) as other:
        project.dvc("repro", "-q", f"decode@{DATASET}")
        loose = Repository(other)
        archive = project.folder / "data" / "raw" / DATASET / "train.7z"
        loose.run("7z", "x", "-y", archive)
        loose.dvc("add", "-q", "train")
        cases = [
            Case("pipeline", lambda: exchange(project, *OURS)),
            Case("loose files", lambda: exchange(loose, "train")),
        ]
        found = Measured(cases, settings.repeat)
    return [
        Finding(
            f"{way}, over loose files", found.ratios("pipeline", "loose files", way), target=0.1
        )
        for way in ("push", "pull")
    ] + [
        Finding(f"{case.name}: {way}", found.values(case.name, way), "s")
        for way in ("push", "pull")
        for case in cases
    ]


def exchange(repository: Repository, *outputs: str) -> Quantities:
    """Push to an empty remote, and pull it into a folder that has neither data nor DVC cache."""
    remote = repository.folder / ".dvc" / "remote"
    repository.remove(remote, repository.site)
    repository.dvc("remote", "add", "-q", "-f", "--local", "-d", "bench", remote)
    push = repository.dvc("push", "-q", *outputs)
    repository.remove(*outputs)
    repository.forget()
    pull = repository.dvc("pull", "-q", *outputs)
    for output in outputs:
        if not any((repository.folder / output).iterdir()):
            raise BenchmarkError(f"dvc pull left {output} empty")
    return {"push": push.seconds, "pull": pull.seconds}
