"""Changes between two states of a dataset: which images came, went, changed or moved."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from pipeline.compare import tables
from pipeline.core.errors import first_few
from pipeline.subsets.split import SUBSETS


class Image(NamedTuple):
    """An image of a dataset."""

    name: str
    """Of its class."""
    digest: bytes
    """Of its content: of the file, or of the decoded pixels."""
    subset: str = ""
    """``""`` where that is not known."""


State = Mapping[str, Image]
"""The images of a dataset at one time, by id."""


class Pair(NamedTuple):
    """The ids of an image before and after."""

    before: str
    after: str


@dataclass(frozen=True)
class Changes:
    """What became of a dataset's images. Every image is in at most one of the lists."""

    before: State
    after: State
    came: list[str]
    """Ids of images that were not there before; the others in their order too."""
    went: list[str]
    changed: list[str]
    """Images with another content under the same id, of the same class."""
    moved: list[Pair]
    """Images with the same content in another class."""
    renamed: list[Pair]
    """Images with the same content and class under another id."""
    divided: list[Pair]
    """Images with the same content and class in another subset."""

    def __bool__(self) -> bool:
        """Return True if anything changed."""
        return any((self.came, self.went, self.changed, self.moved, self.renamed, self.divided))

    @cached_property
    def new_classes(self) -> list[str]:
        """Classes that had no images before, sorted."""
        return sorted(_names(self.after) - _names(self.before))

    @cached_property
    def gone_classes(self) -> list[str]:
        """Classes that have no images any more, sorted."""
        return sorted(_names(self.before) - _names(self.after))

    def describe(self) -> str:
        """Return numbers and names of what changed, and tables by class and subset, for people."""
        return printable("\n".join(self._lines()))

    def _lines(self) -> Iterator[str]:
        yield f"{len(self.before):,} images before, {len(self.after):,} now"
        for what, ids in (("came", self.came), ("went", self.went), ("changed", self.changed)):
            if ids:
                yield f"  {what:8} {len(ids):,}: {first_few(ids)}"
        if self.moved:
            pairs = [f"{self.before[a].name} → {self.after[b].name}: {b}" for a, b in self.moved]
            yield f"  {'moved':8} {len(pairs):,} to another class: {first_few(pairs)}"
        if self.divided:
            kinds = Counter((self.before[a].subset, self.after[b].subset) for a, b in self.divided)
            shown = [f"{a} → {b}: {n:,}" for (a, b), n in sorted(kinds.items())]
            yield f"  {'divided':8} {len(self.divided):,} to another subset: {first_few(shown, 6)}"
        if self.renamed:
            pairs = [f"{a} → {b}" for a, b in self.renamed]
            yield f"  {'renamed':8} {len(pairs):,}: {first_few(pairs, 3)}"
        if self:
            yield from ("", self._by_class())

    def _by_class(self) -> str:
        """Return a table of the classes that changed; with the subsets, where they are known."""
        came = Counter(self.after[id_].name for id_ in self.came)
        went = Counter(self.before[id_].name for id_ in self.went)
        changed = Counter(self.after[id_].name for id_ in self.changed)
        into = Counter(self.after[id_].name for _, id_ in self.moved)
        out = Counter(self.before[id_].name for id_, _ in self.moved)
        sides = [_counts(self.before), _counts(self.after)]
        subsets = [one for one in SUBSETS if any(side["", one] for side in sides)]
        rows = []
        for name in sorted(_names(self.before) | _names(self.after)):
            numbers = came[name], went[name], changed[name], into[name], out[name]
            cells = [_pair(sides, name, subset) for subset in [*subsets, ""]]
            if any(numbers) or any("→" in cell for cell in cells):
                mark = " (new)" * (name in self.new_classes) + " (gone)" * (
                    name in self.gone_classes
                )
                rows.append([name + mark, *(n or "" for n in numbers), *cells])
        totals = [_pair(sides, "", subset) for subset in [*subsets, ""]]
        sums = [sum(counts.values()) or "" for counts in (came, went, changed, into, out)]
        rows.append(["all classes", *sums, *totals])
        header = ["class", "came", "went", "changed", "moved in", "moved out", *subsets, "images"]
        return tables.render(rows, header, "text")


def between(before: State, after: State) -> Changes:
    """Compare two states of a dataset.

    Images are told by their content first, so that one that was renamed, or that stands at another
    position since an earlier one went, has neither come nor gone.
    """
    moved, renamed, divided = [], [], []
    both = [id_ for id_ in after if id_ in before and before[id_].digest == after[id_].digest]
    pairs = [Pair(id_, id_) for id_ in both]
    matched = set(both)
    left = [id_ for id_ in before if id_ not in matched]
    new = [id_ for id_ in after if id_ not in matched]
    for by_class in (True, False):  # a copy in the same class is rather the same image
        pairs += _same_content(before, after, left, new, by_class=by_class)
        found = {pair.before for pair in pairs}, {pair.after for pair in pairs}
        left = [id_ for id_ in left if id_ not in found[0]]
        new = [id_ for id_ in new if id_ not in found[1]]
    for pair in pairs:
        old, now = before[pair.before], after[pair.after]
        if old.name != now.name:
            moved.append(pair)
        elif old.subset != now.subset and old.subset and now.subset:
            divided.append(pair)
        elif pair.before != pair.after:
            renamed.append(pair)
    known = set(left)
    changed = [id_ for id_ in new if id_ in known and before[id_].name == after[id_].name]
    gone = set(changed)
    return Changes(
        before,
        after,
        came=[id_ for id_ in new if id_ not in gone],
        went=[id_ for id_ in left if id_ not in gone],
        changed=changed,
        moved=moved,
        renamed=renamed,
        divided=divided,
    )


def _same_content(
    before: State, after: State, left: list[str], new: list[str], *, by_class: bool
) -> Iterator[Pair]:
    """Yield pairs of ids with equal content, and of one class if so asked, each id once."""

    def key(image: Image) -> tuple[str, bytes]:
        return image.name if by_class else "", image.digest

    pool: dict[tuple[str, bytes], list[str]] = defaultdict(list)
    for id_ in reversed(left):
        pool[key(before[id_])].append(id_)
    for id_ in new:
        if there := pool.get(key(after[id_])):
            yield Pair(there.pop(), id_)


def _names(state: State) -> set[str]:
    return {image.name for image in state.values()}


def _counts(state: State) -> Counter[tuple[str, str]]:
    """Return numbers of images by class and subset; ``""`` stands for all of either."""
    counts: Counter[tuple[str, str]] = Counter()
    for (name, subset), n in Counter((one.name, one.subset) for one in state.values()).items():
        for key in {(name, subset), (name, ""), ("", subset), ("", "")}:
            counts[key] += n
    return counts


def _pair(sides: list[Counter[tuple[str, str]]], name: str, subset: str) -> str:
    """Return a number before and after; equal ones once."""
    return " → ".join(dict.fromkeys(f"{side[name, subset]:,}" for side in sides))


def printable(text: str) -> str:
    """Return a text without control characters: names in archives are strangers'."""
    return "".join(c if c == "\n" or c.isprintable() else " " for c in text)
