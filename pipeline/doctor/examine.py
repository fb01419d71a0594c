"""The doctor's checks of this machine: all that the pipeline needs, with a remedy for each lack."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from pipeline.core import files, libraries
from pipeline.core.errors import PipelineError, explain, first_few
from pipeline.doctor import hardware
from pipeline.download import kaggle

Mark = Literal["OK", "note", "problem"]

PYTHONS = (3, 11), (3, 14)
"""The first version that is supported, and the first that is not."""
MEMORY = 2_000_000_000
"""Bytes that training Fashion-MNIST takes, and some more."""
DISK = 5_000_000_000
"""Bytes that both real datasets take in all their forms, with DVC's cache, and some more."""
ACTIVATE = "run in this shell: source .venv/bin/activate"
CREDENTIALS = ("~/.kaggle/access_token", "~/.kaggle/kaggle.json")


class Finding(NamedTuple):
    """The result of a check."""

    mark: Mark
    what: str
    text: str
    remedy: str = ""
    """What to do about it; empty if nothing is to be done."""


Findings = Iterator[Finding]


def examine() -> Findings:
    """Yield the findings of all checks, the quick ones first."""
    for check in CHECKS:
        yield from _guarded(check)


def _guarded(check: Callable[[], Findings]) -> Findings:
    """Yield a check's findings; an error that can be explained is one of them."""
    try:
        yield from check()
    except Exception as error:
        text = explain(error)
        if text is None and not isinstance(error, ImportError):
            raise
        name = check.__name__.strip("_")
        yield Finding("problem", name, text or f"{error}", "" if text else "run: make setup")


def _python() -> Findings:
    version = ".".join(map(str, sys.version_info[:3]))
    where = f"{version} ({sys.executable})"
    if PYTHONS[0] <= sys.version_info < PYTHONS[1]:
        yield Finding("OK", "Python", where)
    else:
        remedy = "install one from 3.11 to 3.13, and: make clean setup PYTHON=/path/to/python3"
        yield Finding("problem", "Python", where, remedy)


def _shell() -> Findings:
    """Compare this Python with the one that DVC's stages get, which is the shell's first."""
    python = shutil.which("python")
    if python is None:
        yield Finding("note", "shell", "it finds no python, as DVC's stages are started", ACTIVATE)
        return
    done = subprocess.run(  # noqa: S603 - no argument is a user's
        [python, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=False
    )
    if done.stdout.strip() == sys.prefix:
        yield Finding("OK", "shell", "DVC's stages get this Python too")
    else:
        yield Finding("note", "shell", f"DVC's stages would get {python}", ACTIVATE)


def _locked(lock: Path = Path("requirements.lock")) -> Findings:
    """Compare what is installed with the lock; what an output depends on must be as it says."""
    gpu = lock.with_name("requirements-gpu.lock")
    if libraries.installed("nvidia-cudnn-cu12") != "missing" and gpu.exists():
        lock = gpu
    if not lock.exists():
        yield Finding("problem", "libraries", f"there is no {lock}", "run this in the project")
        return
    pins = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)([^\n]*)", files.read_text(lock), re.M)
    others = []
    for name, version, rest in pins:
        installed = libraries.installed(name)
        if installed == version or (installed == "missing" and ";" in rest):
            continue  # missing, perhaps, since it is another platform's
        others.append(f"{name} is {installed}, not {version}")
    tracked = [text for text in others if text.split()[0] in libraries.TRACKED]
    if tracked:
        text = f"{first_few(tracked)}: outputs depend on it, so stages refuse to run"
        yield Finding("problem", "libraries", text, "run: make setup")
    elif others:
        yield Finding("note", "libraries", f"not as {lock}: {first_few(others)}", "run: make setup")
    else:
        yield Finding("OK", "libraries", f"{len(pins)} in {lock}; what is installed is as it says")


def _git() -> Findings:
    git = shutil.which("git")
    if git is None:
        yield Finding("problem", "Git", "it is not installed", "install it; DVC needs it")
        return
    done = subprocess.run(  # noqa: S603 - no argument is a user's
        [git, "rev-parse", "--is-inside-work-tree"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        words = " ".join(done.stderr.split())
        yield Finding("problem", "Git", words, "get the project with: git clone")
    else:
        yield Finding("OK", "Git", "this is a repository")


def _parameters() -> Findings:
    from pipeline.core.params import Params
    from pipeline.schema import check_params

    yield Finding("OK", "parameters", check_params(Params.read()))


def _memory() -> Findings:
    total, available = hardware.memory()
    text = f"{available / 1e9:.1f} GB of {total / 1e9:.1f} GB are available"
    if available < MEMORY:
        remedy = "end other programs, or set PIPELINE_WORKERS=1 and a smaller train.batch_size"
        yield Finding("note", "memory", text, remedy)
    else:
        yield Finding("OK", "memory", text)


def _disk() -> Findings:
    free = shutil.disk_usage(".").free
    text = f"{free / 1e9:.1f} GB are free here"
    if free < DISK:
        remedy = f"the real datasets want {DISK / 1e9:.0f} GB, the demos 0.1; dvc gc --workspace"
        yield Finding("note", "disk", text, f"{remedy} removes what no version here uses")
    else:
        yield Finding("OK", "disk", text)


def _cache() -> Findings:
    from pipeline.repository import cache

    here = cache.find()
    text = f"{here.path}, from which files come by {here.used}"
    better = [kind for kind in here.possible if kind != here.used]
    if here.used == "copy" and better:
        remedy = (
            "each file takes its space twice; if that is too much: dvc config --local cache.type "
            f"{','.join(better)},copy, and dvc checkout --relink (outputs are then read-only)"
        )
        yield Finding("note", "DVC's cache", text, remedy)
    else:
        yield Finding("OK", "DVC's cache", text)


def _lock() -> Findings:
    from pipeline.repository import lock_check

    yield Finding("OK", "dvc.lock", f"{lock_check.count():,} stages are recorded")


def _remote() -> Findings:
    from pipeline.repository.remote import remotes

    try:
        yield Finding("OK", "DVC's remote", remotes.use(""))
    except PipelineError as error:
        text = explain(error) or ""
        if "there is no default remote" in text:
            remedy = "needed for sharing only: docs/teams.md, make remote URL=..."
            yield Finding("note", "DVC's remote", "there is no default remote", remedy)
        else:
            remedy = "see docs/teams.md, and try it alone: python -m pipeline remote"
            yield Finding("problem", "DVC's remote", text, remedy)


def _kaggle() -> Findings:
    """Look for a token; it is neither shown nor used."""
    files = [Path(name).expanduser() for name in CREDENTIALS]
    here = [path for path in files if path.exists()]
    if os.environ.get("KAGGLE_API_TOKEN"):
        yield Finding("OK", "Kaggle's token", "in KAGGLE_API_TOKEN")
    elif os.environ.get("KAGGLE_USERNAME") and os.environ.get("KAGGLE_KEY"):
        yield Finding("OK", "Kaggle's token", "in KAGGLE_USERNAME and KAGGLE_KEY")
    elif here:
        path = here[0]
        if path.stat().st_mode & 0o077:
            text = f"in {path}, which other users of this machine can read"
            yield Finding("note", "Kaggle's token", text, f"run: chmod 600 {path}")
        else:
            yield Finding("OK", "Kaggle's token", f"in {path}")
    else:
        remedy = f"only what comes from Kaggle needs it: {kaggle.AUTHENTICATE}"
        yield Finding("note", "Kaggle's token", "there is none", remedy)


def _cpu() -> Findings:
    cpu = hardware.cpu()
    features = ", ".join(cpu.features) or "no features known here"
    yield Finding("OK", "processor", f"{cpu.name}, {cpu.cores} cores, {features}")
    if narrow := sorted(hardware.BFLOAT16.intersection(cpu.features)):
        remedy = "train.precision: bfloat16 pays here, in runs of your own; results change a little"
        yield Finding("note", "precision", f"{', '.join(narrow)} multiplies bfloat16", remedy)
    else:
        yield Finding("OK", "precision", "train.precision: float32 is best on this processor")


def _gpus() -> Findings:
    from pipeline.models import runtime

    runtime.configure(seed=0, threads=2)
    gpus = list(hardware.gpus())
    for gpu in gpus:
        what = f"GPU {gpu.device.rpartition(':')[2]}"
        if gpu.error:
            remedy = (
                "compare its driver with what TensorFlow needs; CUDA_VISIBLE_DEVICES leaves it out"
            )
            yield Finding("problem", what, f"{gpu.name}: {gpu.error}", remedy)
        else:
            yield Finding("OK", what, f"{gpu.name}: multiplies matrices")
    if gpus:
        return
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        yield Finding("note", "GPU", "hidden by CUDA_VISIBLE_DEVICES", "unset it to use them")
    elif Path("/proc/driver/nvidia/version").exists():
        text = "NVIDIA's driver is here, but TensorFlow sees no GPU"
        yield Finding("problem", "GPU", text, "install CUDA's libraries: make setup GPU=1")
    else:
        yield Finding("OK", "GPU", "none; training runs on the processor")


CHECKS = (
    *(_python, _shell, _locked, _git, _parameters, _memory, _disk, _cache, _lock, _remote),
    *(_kaggle, _cpu, _gpus),
)
