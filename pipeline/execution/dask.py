"""Dask: independent tasks on a cluster whose workers share this project's folder.

Dask's protocol carries code. A scheduler and its workers run whatever reaches them, so they belong
into a trusted network.
"""

import logging
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Generic, NamedTuple, TypeVar

from pipeline.core import paths, places
from pipeline.core.errors import ClusterError, InstallationError
from pipeline.execution import fingerprint
from pipeline.execution.fingerprint import Environment

CONNECT_SECONDS = 10
"""Time within which the scheduler must answer."""
WORKER_SECONDS = 60
"""Time that may pass without a worker, at the start or when all are lost."""
POLL_SECONDS = 0.02
SAME = "install the same there, and start it again"

T = TypeVar("T")


class Task(NamedTuple, Generic[T]):
    """A task with a check that its worker would give the same result, and in the same folder.

    Attributes
    ----------
    work : callable
        The task itself, without arguments.
    mark : str
        Path of a file in the project's ``data/`` that exists while the client does.
    environment : mapping
        The client's, from ``fingerprint.environment``.
    """

    work: Callable[[], T]
    mark: str
    environment: Environment

    def __call__(self) -> T:
        """Do the task on a worker; raise ClusterError if that is another environment."""
        from distributed import get_worker

        fault = check(self.mark, self.environment)
        if fault:
            raise ClusterError(f"worker {get_worker().address} {fault}")
        return self.work()


def check(mark: str, expected: Environment) -> str:
    """Return the fault of the worker that calls this; empty if there is none.

    ``mark`` and ``expected`` are the first two attributes of a ``Task`` after its work.
    """
    here, folder = Path.cwd(), Path(mark).parents[1]
    if here != folder:
        return f"runs in {here}; start it in {folder}, a folder that all machines share"
    if not Path(mark).exists():
        return f"has a {folder} of its own; start it where that is shared with this machine"
    different = fingerprint.differences(expected)
    return f"differs: {different}; {SAME}" if different else ""


def run(tasks: Sequence[Callable[[], T]], address: str) -> Generator[tuple[int, T]]:
    """Run tasks on the workers of the scheduler at ``address``.

    Each worker has as many at once as it has threads. If a worker is lost, another one runs its
    tasks again.

    Yields
    ------
    tuple of int and result
        A task's number and its result, in the order in which tasks finish.

    Raises
    ------
    ClusterError
        If the scheduler cannot be reached, has no worker for ``WORKER_SECONDS``, or a process of
        the cluster has another folder, other code or other versions than this one.
    Exception
        The exception that a task raised; the tasks that have not begun are cancelled.
    """
    expected = fingerprint.environment()
    places.make_folder(paths.DATA)
    with (
        NamedTemporaryFile(dir=paths.DATA.resolve(), prefix=".client-") as mark,
        _connected(address) as client,
    ):
        _check_all(client, mark.name, expected)
        futures = [client.submit(Task(task, mark.name, expected), pure=False) for task in tasks]
        try:
            for number in _as_completed(client, futures):
                yield number, _result(futures[number], address)
        finally:
            client.cancel(futures)


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Yield a client of the scheduler at ``address`` that has a worker; raises ClusterError."""
    try:
        import distributed
    except ImportError:
        raise InstallationError(
            "PIPELINE_SCHEDULER needs Dask; install it with: make setup DEV=1, or pip install "
            "'.[cluster]'"
        ) from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # ClusterError reports what matters
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", distributed.versions.VersionMismatchWarning)
            client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise ClusterError(
            f"PIPELINE_SCHEDULER: no scheduler answers at {address} ({error}); start one with: "
            "python -m dask scheduler"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=WORKER_SECONDS)
        except TimeoutError:
            raise _no_worker(client) from None
        yield client


def _check_all(client: Any, mark: str, expected: Environment) -> None:
    """Refuse a scheduler or worker that would not do tasks as this process does."""
    try:
        different = client.run_on_scheduler(fingerprint.differences, expected)
        faults = client.run(check, mark, expected)
    except OSError:
        raise _lost(client.scheduler.address) from None
    except Exception as error:  # any type, raised where a function is not known
        raise ClusterError(
            f"{client.scheduler.address}: the scheduler or a worker does not know this project's "
            f"code ({type(error).__name__}: {error}); start them in {Path(mark).parents[1]}, with "
            "the environment of this machine"
        ) from None
    if different:
        raise ClusterError(f"the scheduler {client.scheduler.address} differs: {different}; {SAME}")
    for worker, fault in faults.items():
        if fault:
            raise ClusterError(f"worker {worker} {fault}")


def _as_completed(client: Any, futures: Sequence[Any]) -> Iterator[int]:
    """Yield the numbers of the futures that have finished or failed, each once."""
    pending = set(range(len(futures)))
    worker_seen = time.monotonic()
    while pending:
        done = {number for number in pending if futures[number].status != "pending"}
        pending -= done
        yield from done
        if client.status != "running":
            raise _lost(client.scheduler.address)
        if not done:
            if client.scheduler_info(n_workers=-1)["workers"]:
                worker_seen = time.monotonic()
            elif time.monotonic() - worker_seen > WORKER_SECONDS:
                raise _no_worker(client)
            time.sleep(POLL_SECONDS)


def _result(future: Any, address: str) -> Any:
    """Return a finished future's result, or raise its error, and release it."""
    from distributed import KilledWorker

    if future.status not in ("finished", "error"):
        raise _lost(address)
    try:
        return future.result()
    except KilledWorker as error:
        raise ClusterError(
            f"{address}: one task ended {error.allowed_failures + 1} workers, most often because "
            "memory ran out; give them more, or fewer threads (--nthreads), and run this again"
        ) from None
    finally:
        future.release()


def _lost(address: str) -> ClusterError:
    return ClusterError(
        f"the scheduler at {address} is lost; start it again, and this, which goes on where it was"
    )


def _no_worker(client: Any) -> ClusterError:
    address = client.scheduler.address
    return ClusterError(
        f"the scheduler at {address} has had no worker for {WORKER_SECONDS} s; start some with: "
        f"python -m dask worker {address}"
    )
