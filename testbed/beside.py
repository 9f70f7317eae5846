"""Two works side by side: what waits for the network beside what computes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from testbed.errors import BedError
from testbed.progress import Progress

T = TypeVar("T")


def beside(work: Callable[[], object], other: Callable[[], T], progress: Progress) -> T:
    """Run `work` in this thread and `other` in one of its own; return what `other` does, when both are over.

    What makes `other` fail is told at once, since `work` may take minutes more; what `work` has done by then is kept.

    Raises:
        BedError: what `work` raised, or else what `other` did.
    """

    def tell(future: Future[T]) -> None:
        if isinstance(error := future.exception(), BedError):
            progress.note(f"error: {error}")

    with ThreadPoolExecutor(max_workers=1) as pool:
        future = pool.submit(other)
        future.add_done_callback(tell)
        work()
        return future.result()
