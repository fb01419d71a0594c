"""Recording of new code in ``dvc.lock``, for stages whose outputs it is shown to leave as they are.

What shows it is another stage of the same kind: it was run with the new code, and its outputs are
those that it had with the old.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.core import files
from pipeline.core.errors import first_few
from pipeline.repository import lock_edit
from pipeline.repository.dvc import opened, stages
from pipeline.repository.lock_check import Hashes
from pipeline.repository.new_code.evidence import Evidence, Shown
from pipeline.repository.new_code.graph import Entry, Graph, Renewal

REPORT = "report"
"""The kind of stage whose outputs name its code, and so change with it."""


class Outcome(NamedTuple):
    """The stages whose new code was recorded, and those whose was not."""

    recorded: list[str]
    shown_by: list[str]
    """Stages that were run with the old code and with the new, and came to the same."""
    refused: list[str]
    """The stages whose code was not recorded."""
    reasons: list[str]
    """Why, and what to do: each one line."""
    removed: list[str]
    """Reports that are not here, whose record was removed: they print the code that drew them."""


def record(targets: Sequence[str] = (), *, certain: bool = False, metrics: bool = False) -> Outcome:
    """Record the present code of stages whose outputs it leaves as they are.

    Parameters
    ----------
    targets : sequence of str
        Stages, as for ``dvc repro``; none means all that are recorded.
    certain : bool
        Record also what no stage shows. Parameters, data and outputs have to agree nevertheless.
    metrics : bool
        Record the outputs that Git holds as they are here, as after a version that writes more of
        them; only the cached ones have to agree.

    Raises
    ------
    PipelineError
        If a target is no stage, a lock is damaged, or DVC is at work.
    """
    outcome, unshown = Outcome([], [], [], [], []), []
    with opened() as repo, repo.lock, tempfile.TemporaryDirectory() as nowhere:
        graph = Graph(repo, Hashes(Path(nowhere)), metrics)
        wanted = {stage.addressing for target in targets for stage in repo.stage.collect(target)}
        renewals = [one for one in graph.renewals() if not targets or one.name in wanted]
        sound = {one.kind for one in renewals if not one.faults}
        shown = list(Evidence(graph).shown(sound)) if sound else []
        new: dict[Path, dict[str, Entry]] = {}
        for renewal in renewals:
            alike = [one for one in shown if one.kind == renewal.kind]
            by = [one.name for one in alike if renewal.changes <= one.changes]
            if not renewal.is_here and renewal.kind == REPORT and not by:
                new.setdefault(renewal.lock, {})[renewal.stage] = {}
                outcome.removed.append(renewal.name)
                continue
            if renewal.faults or not (by or certain):
                outcome.refused.append(renewal.name)
                outcome.reasons.extend(renewal.faults)
                unshown += [] if renewal.faults else [(renewal, alike)]
                continue
            new.setdefault(renewal.lock, {})[renewal.stage] = renewal.entry
            outcome.recorded.append(renewal.name)
            outcome.shown_by.extend({*by[:1]} - {*outcome.shown_by})
        outcome.reasons.extend(_unshown(unshown))
        for lock, entries in new.items():
            renewed = stages(files.read_text(lock), lock) | entries
            lock_edit.write(lock, {name: entry for name, entry in renewed.items() if entry})
    return outcome


def _unshown(these: Iterable[tuple[Renewal, list[Shown]]]) -> Iterator[str]:
    """Yield, for each kind, the code of which no stage shows that outputs stay the same."""
    names: dict[tuple[str, str], list[str]] = {}
    for renewal, alike in these:
        rest = [renewal.changes - one.changes for one in alike]
        left = min(rest, key=len, default=renewal.changes)
        what = first_few(sorted({name for name, _, _ in left}))
        names.setdefault((renewal.kind, what), []).append(renewal.name)
    for (kind, what), stages_of_it in names.items():
        yield (
            f"{first_few(stages_of_it)}: no {kind} that was run here shows that outputs stay the "
            f"same with the new {what}; run one that reads it (make demo), or these"
        )
