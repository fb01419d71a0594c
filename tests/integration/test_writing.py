"""One place writes, replaces and removes files; libraries write where it is known."""

import ast

from tests.support.builders import ROOT

PLACES = {f"pipeline/core/{name}.py" for name in ("files", "places", "resumed")}
"""The modules that open for writing, rename and remove; ``places`` has the rules."""
OURS = ("files", "places", "resumed")
CHANGING = {
    *("write_text", "write_bytes", "touch", "mkdir", "makedirs", "rename", "unlink", "rmdir"),
    *("symlink_to", "hardlink_to", "chmod", "rmtree", "copyfile", "copytree", "copy2", "mkstemp"),
    *("mkdtemp", "mktemp", "truncate"),
}
"""Methods and functions that change a file system, whatever they are called on."""
OF_OS = {
    "os.open",
    "os.remove",
    "os.replace",
    "os.link",
    "os.symlink",
    "shutil.move",
    "shutil.copy",
}
LIBRARIES = {
    *("write_table", "ParquetWriter", "savez", "savefig", "create_file_writer", "dump_yaml"),
    *("get_file", "put_file", "to_csv", "tofile", "to_parquet", "imwrite"),
}
"""Functions of libraries that write to a path that they are given."""
WRITERS = {
    "pipeline/ablation/forest_plot.py": {"savefig"},
    "pipeline/evaluate/predictions.py": {"write_table"},
    "pipeline/execution/checkpoints.py": {"savez"},
    "pipeline/extract/parts.py": {"ParquetWriter", "write_table"},
    "pipeline/report/plots.py": {"savefig"},
    "pipeline/repository/lock_edit.py": {"dump_yaml"},
    "pipeline/repository/remote/check.py": {"get_file"},
    "pipeline/repository/remote/remotes.py": {"put_file"},
    "pipeline/repository/revisions.py": {"get_file"},
    "pipeline/shards/npz.py": {"savez"},
    "pipeline/shards/parquet.py": {"ParquetWriter", "write_table"},
    "pipeline/subsets/split.py": {"write_table"},
    "pipeline/train/tensorboard.py": {"create_file_writer"},
}
"""Modules that call these, with a path below a temporary folder, or one that ``files`` made."""
EXCEPT = {
    "pipeline/core/console.py": {
        "os.open(os.devnull, os.O_WRONLY)",
        "os.open(os.devnull, os.O_RDWR)",
    },
    "pipeline/repository/cache.py": {"local.fs.makedirs(local.path)"},  # DVC's, to test links there
    "pipeline/predict/portable.py": {"work.write_bytes(_converted(trained, form))"},
    "pipeline/models/weights_file.py": {
        "os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)"
    },
}


def calls(path):
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def modules():
    for folder in ("pipeline", "stages", "networks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path, path.relative_to(ROOT).as_posix()


def mode(node):
    """Return the mode of a call of ``open``, a function or a method."""
    words = [word.value for word in node.keywords if word.arg == "mode"]
    place = 1 if isinstance(node.func, ast.Name) else 0
    given = [*words, *node.args[place : place + 1]]
    is_text = given and isinstance(given[0], ast.Constant) and isinstance(given[0].value, str)
    return given[0].value if is_text else "r"


def changes(node, name):
    """Return whether a call changes files, other than by the modules of ``PLACES``."""
    owner, _, method = name.rpartition(".")
    if owner in OURS:
        return False
    if method == "open" and node.args and ast.unparse(node.args[0]).startswith("os.dup("):
        return False  # a standard stream
    if method == "open":
        return name in OF_OS or bool(set(mode(node)) & set("wax+"))
    is_path = method == "replace" and len(node.args) == 1 and not node.keywords and owner
    return method in CHANGING or name in OF_OS or bool(is_path)


def test_no_other_module_writes_replaces_or_removes():
    found = [
        f"{name}:{node.lineno}: {ast.unparse(node)}"
        for path, name in modules()
        if name not in PLACES
        for node, called in calls(path)
        if changes(node, called) and ast.unparse(node) not in EXCEPT.get(name, ())
    ]
    assert not found, "write through pipeline.core.files and places:\n" + "\n".join(found)


def test_libraries_write_where_it_is_known():
    found = {}
    for path, name in modules():
        used = {called.rpartition(".")[2] for _, called in calls(path)} & LIBRARIES
        if used and name not in PLACES:
            found[name] = used
    assert found == WRITERS


def test_the_calls_that_this_looks_for_are_there():
    own = {called.rpartition(".")[2] for name in PLACES for _, called in calls(ROOT / name)}
    assert {"mkdir", "rename", "unlink", "rmtree", "write_bytes", "symlink_to"} <= own
    examples = {
        "path.open('w')": True,
        "open(path, mode='r+b')": True,
        "path.open('rb')": False,
        "path.replace(target)": True,
        "text.replace('a', 'b')": False,
        "os.remove(path)": True,
        "places.remove(path)": False,
        "shutil.rmtree(path)": True,
    }
    for text, expected in examples.items():
        node = ast.parse(text).body[0].value
        assert changes(node, ast.unparse(node.func)) == expected, text
