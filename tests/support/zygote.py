"""A process that has imported the stages and forks itself for each call, since starting is slow.

It reads calls from its standard input: each line has the arguments of ``call`` as a JSON object. It
answers each with ``status`` and ``memory``, the peak in kB.
"""

import importlib
import json
import os
import runpy
import signal
import sys

MODULES = ("download", "extract", "decode", "split")


def call(folder, module, arguments, said, seconds):
    """Run a module as a program in a process of its own; its standard error goes to ``said``."""
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        errors = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(errors, 2)
        sys.argv = [module, *arguments]
        sys.modules.pop(module, None)  # only what it imports stays
        # Either ends it: of the processor, and of a clock, which a loaded machine takes long for.
        signal.setitimer(signal.ITIMER_PROF, seconds)
        signal.setitimer(signal.ITIMER_REAL, 10 * seconds)
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit as end:
            sys.stderr.flush()
            os._exit(end.code if isinstance(end.code, int) else 1 if end.code else 0)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            sys.stderr.flush()
            os._exit(70)
        os._exit(0)
    _, status, usage = os.wait4(child, 0)
    return {"status": os.waitstatus_to_exitcode(status), "memory": usage.ru_maxrss}


if __name__ == "__main__":
    for name in MODULES:
        importlib.import_module(f"stages.{name}")
    importlib.import_module("pipeline.schema")
    for line in sys.stdin:
        print(json.dumps(call(**json.loads(line))), flush=True)
