import shutil
import socket
import subprocess
from contextlib import chdir
from pathlib import Path

import pytest
from dvc.repo import Repo

from pipeline.core.errors import PipelineError
from pipeline.repository import lock_check, remote_check, repair

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC

GRAPH = """
stages:
  first: {cmd: echo 1 > one, outs: [one]}
  second: {cmd: cp one two, deps: [one], outs: [two]}
"""


def git(*command):
    subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x", *command], check=True)


def build(root, graph, **files):
    """A repository in a subfolder of Git's, run and committed."""
    folder = root / "project"
    folder.mkdir()
    with chdir(folder):
        git("init", "-q", str(root))
        Repo.init(".", subdir=True).close()
        for name, text in ({"dvc.yaml": graph} | files).items():
            Path(name).write_text(text)
        with Repo(".") as project:
            project.reproduce()
        git("add", ".")
        git("commit", "-qm", "all")
    return root


@pytest.fixture(scope="module")
def two_stages(tmp_path_factory):
    return build(tmp_path_factory.mktemp("two_stages"), GRAPH)


@pytest.fixture
def reproduced(two_stages, tmp_path, monkeypatch):
    """A repository of two stages, entered."""
    shutil.copytree(two_stages, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path / "project")


def test_a_whole_lock_is_left_alone(reproduced):
    before = Path("dvc.lock").stat().st_mtime_ns
    assert repair.repair() == []
    assert Path("dvc.lock").stat().st_mtime_ns == before


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.6, 0.95])
def test_a_lock_that_was_cut_short_is_filled_from_git(reproduced, share):
    lock = Path("dvc.lock")
    whole = lock.read_bytes()
    lock.write_bytes(whole[: int(share * len(whole))])
    (mended,) = repair.repair()
    assert "dvc.lock was cut short; from Git's last commit came" in mended
    assert lock.read_bytes() == whole
    assert repair.repair() == []


def test_the_lock_of_a_study_is_filled_too(tmp_path):
    with chdir(build(tmp_path, GRAPH) / "project"):
        Path("study").mkdir()
        shutil.copy("dvc.yaml", "study/dvc.yaml")
        shutil.copy("dvc.lock", "study/dvc.lock")
        git("add", "-A")
        git("commit", "-qm", "study")
        whole = Path("study/dvc.lock").read_bytes()
        Path("study/dvc.lock").write_bytes(whole[: len(whole) // 2])
        (mended,) = repair.repair()
        assert "study/dvc.lock was cut short" in mended
        assert Path("study/dvc.lock").read_bytes() == whole


def test_what_was_run_since_the_commit_is_kept(reproduced):
    graph = Path("dvc.yaml")
    graph.write_text(GRAPH.replace("echo 1", "echo 3"))
    with Repo(".") as project:
        project.reproduce(targets=["first"])
    lock = Path("dvc.lock")
    whole = lock.read_text()
    lock.write_text(whole[: whole.index("  second:") + 30])
    repair.repair()
    assert lock.read_text() == whole
    with Repo(".") as project:
        assert [stage.name for stage in project.reproduce()] == ["second"]


def test_without_a_commit_there_is_nothing_to_take(reproduced):
    subprocess.run(["rm", "-rf", "../.git"], check=True)
    git("init", "-q", "..")
    assert repair.repair() == []
    Path("dvc.lock").write_text("schem")
    assert repair.repair() == ["dvc.lock was cut short; from Git's last commit came nothing"]
    with Repo(".") as project:
        assert len(project.reproduce()) == 2


def test_a_list_of_locks_that_was_cut_short_is_removed(reproduced):
    path = Path(".dvc/tmp/rwlock")
    path.write_text('{"write": {"/a/')
    assert repair.repair() == [f"{path} was cut short, and removed"]
    assert not path.exists()


def test_nothing_is_touched_while_dvc_is_at_work(reproduced):
    with Repo(".") as project, project.lock, pytest.raises(PipelineError, match=r"DVC: .*lock"):
        repair.repair()


# Faults of what is here

VERIFIED = """
stages:
  make:
    cmd: mkdir many; for name in many/a many/b alone small.json; do cp given $name; done
    deps: [given, script.py]
    params: [depth]
    outs: [many, alone]
    metrics: [small.json: {cache: false}]
"""


FILES = {
    "given": '{"number": 1}\n',
    "script.py": "print()\n",
    "params.yaml": "depth: 3\nother: 4\n",
}


@pytest.fixture(scope="module")
def one_stage(tmp_path_factory):
    return build(tmp_path_factory.mktemp("one_stage"), VERIFIED, **FILES)


@pytest.fixture
def recorded(one_stage, tmp_path, monkeypatch):
    """A repository of one stage with all kinds of dependencies and outputs, entered."""
    shutil.copytree(one_stage, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path / "project")


def test_what_was_just_run_has_no_faults(recorded):
    assert list(lock_check.faults()) == []


@pytest.mark.parametrize("name", ["many/a", "many/b", "alone", "small.json"])
@pytest.mark.parametrize("place", [0, 5, -1])
def test_a_flipped_byte_in_an_output_is_found(recorded, name, place):
    path = Path(name)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    (fault,) = lock_check.faults()
    output = Path(name).parts[0]
    assert fault == f"make: {output} is not what was recorded; run dvc repro --force make"


def test_another_file_in_an_output_is_found(recorded):
    Path("many/c.incomplete").write_text("")
    assert ["many is not what" in fault for fault in lock_check.faults()] == [True]


@pytest.mark.parametrize(
    ("path", "old", "new", "fault"),
    [
        ("given", "1", "2", "make: dependencies are not as recorded (given); run dvc repro"),
        ("params.yaml", "3", "5", "make: parameters are not as recorded (depth); run dvc repro"),
        ("dvc.yaml", "cp given", "cp  given", "make: its command is not the recorded"),
        ("dvc.yaml", "[given, script.py]", "[given]", "make: dvc.lock records more or less; run"),
        ("dvc.yaml", "[many, alone]", "[many]", "make: dvc.lock records more or less; run"),
        ("dvc.yaml", "    params: [depth]\n", "", "make: dvc.lock records more or less; run"),
        ("dvc.yaml", "[depth]", "[depth, other]", "make: parameters are not as recorded (other)"),
        ("dvc.lock", "  make:", "  mace:", "make: not recorded in dvc.lock: many, alone, small"),
        ("dvc.lock", "schema: '2.0'", "schema: '2.1'", "DVC: "),
    ],
)
def test_what_does_not_agree_with_the_lock_is_found(recorded, path, old, new, fault):
    text = Path(path).read_text()
    assert old in text
    Path(path).write_text(text.replace(old, new))
    try:
        (found,) = lock_check.faults()
    except PipelineError as error:
        found = str(error)
    assert found.startswith(fault)


def test_a_flip_in_any_line_of_the_lock_is_found(recorded):
    lock = Path("dvc.lock")
    lines = lock.read_text().splitlines()
    assert len(lines) > 30
    for number, line in enumerate(lines):
        last = line.rstrip("':")
        flipped = last[:-1] + chr(ord(last[-1]) ^ 1) + line[len(last) :]
        lock.write_text("\n".join([*lines[:number], flipped, *lines[number + 1 :], ""]))
        try:
            found = list(lock_check.faults())
        except PipelineError as error:
            found = [str(error)]
        assert found, flipped


@pytest.mark.parametrize("name", ["given", "script.py", "small.json"])
def test_what_git_should_hold_is_missed(recorded, name):
    Path(name).unlink()
    (fault,) = lock_check.faults()
    assert name in fault
    assert "which Git should hold" in fault


def test_what_was_not_pulled_is_no_fault(recorded):
    shutil.rmtree("many")
    Path("alone").unlink()
    assert list(lock_check.faults()) == []


GATHERED = """
stages:
  make:
    cmd: mkdir -p all; echo 1 > all/tracked; echo 2 > all/cached
    outs: [all/cached]
    metrics: [all/tracked: {cache: false}]
  gather:
    cmd: cat all/* > sum
    deps: [all]
    outs: [sum]
"""


@pytest.mark.parametrize("left", [["tracked"], []])
def test_a_folder_of_outputs_of_which_some_were_not_pulled_is_no_fault(tmp_path, left):
    with chdir(build(tmp_path, GATHERED) / "project"):
        for path in Path("all").iterdir():
            if path.name not in left:
                path.unlink()
        found = list(lock_check.faults())
        assert not any("gather" in fault for fault in found)
        assert len(found) == (not left)  # make's tracked output
        Path("all/cached").write_text("3")
        Path("all/tracked").write_text("1\n")
        assert any(
            fault.startswith("gather: dependencies are not") for fault in lock_check.faults()
        )


# Faults of a remote


@pytest.fixture
def store(recorded, tmp_path):
    """The same, pushed; the folder that is the default remote."""
    Path("many/b").chmod(0o644)
    Path("many/b").write_text("another\n")
    with Repo(".") as project:
        project.commit(force=True)
        with project.config.edit() as config:
            config["remote"]["store"] = {"url": str(tmp_path / "store")}
            config["core"]["remote"] = "store"
    push()
    return tmp_path / "store"


def push():
    with Repo(".") as project:
        return project.push()


def objects(store):
    """By output: the objects on the remote."""
    with Repo(".") as project:
        (stage,) = project.index.stages
        many, alone = (out.hash_info.value for out in stage.outs if out.use_cache)
    found = {path.parent.name + path.name: path for path in store.rglob("*") if path.is_file()}
    (b,) = found.keys() - {many, alone}  # a is the same as alone
    return {"many": found[many], "alone": found[alone], "many/b": found[b]}


def test_a_complete_remote_has_no_faults(store):
    before = sorted(Path(".dvc/cache").rglob("*"))
    assert list(remote_check.remote_faults("")) == list(remote_check.remote_faults("store")) == []
    assert sorted(Path(".dvc/cache").rglob("*")) == before
    assert list(lock_check.faults()) == []


@pytest.mark.parametrize("state", ["missing", "damaged"])
@pytest.mark.parametrize("name", ["many", "many/b", "alone"])
def test_what_is_wrong_on_a_remote_is_found_and_can_be_mended(store, name, state):
    """DVC's own index still says that all is there."""
    path = objects(store)[name]
    path.chmod(0o644)
    if state == "missing":
        path.unlink()
    else:
        content = bytearray(path.read_bytes())
        content[3] ^= 1
        path.write_bytes(content)
    faults = list(remote_check.remote_faults(""))
    # The first file of the folder is the same as the other output.
    assert [fault.split(" on the remote store; ")[0] for fault in faults] == [
        f"{found} is {state}" for found in (["alone", "many/a"] if name == "alone" else [name])
    ]
    with Repo(".") as project:
        assert name == "many" or project.status(cloud=True) in ({}, {"alone": "new"})
    for fault in faults:
        advice = fault.split("; ")[1]
        assert advice.endswith("run dvc push -r store")
        for word in advice.split():
            Path(word.rstrip(",")).unlink(missing_ok=True) if str(store) in word else None
    assert push()
    assert list(remote_check.remote_faults("")) == []


@pytest.mark.parametrize("there", [True, False])
def test_an_empty_remote_is_one_line(store, there):
    shutil.rmtree(store)
    if there:
        store.mkdir()
    with pytest.raises(PipelineError, match=r"remote store \(.*store.*\) holds nothing of what"):
        list(remote_check.remote_faults(""))


def test_a_remote_must_be_named_or_be_the_default(recorded):
    with pytest.raises(PipelineError, match="there is no default remote; make one: dvc remote add"):
        list(remote_check.remote_faults(""))
    with pytest.raises(PipelineError, match="remote 'other' doesn't exist"):
        list(remote_check.remote_faults("other"))


def test_a_remote_that_cannot_be_reached_is_one_line(recorded):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with Repo(".") as project, project.config.edit() as config:
        config["remote"]["far"] = {"url": f"http://127.0.0.1:{port}/store"}
    with pytest.raises(PipelineError) as caught:
        list(remote_check.remote_faults("far"))
    assert f"http://127.0.0.1:{port}/store" in str(caught.value)
    assert "cannot be read: " in str(caught.value)
    assert "\n" not in str(caught.value)
