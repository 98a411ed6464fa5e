"""The window of requests in flight that stores and sinks share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from sfs_core.facts import Batch, Fact


def in_flight(
    batches: Iterable[Batch],
    work: Callable[[Batch], Fact],
    workers: int,
    ids: Callable[[Batch], Sequence[str]] | None = None,
) -> Iterator[Fact]:
    """Yield the fact of each batch as it completes, with at most `workers` being worked on in threads.

    Where `ids` tells a batch's record ids, two batches that share one never run at once: the later one waits. A
    batch is taken only when a worker is free; when `work` raises, nothing more is taken, those in flight are finished
    and yielded, then the first error is raised.
    """
    running: dict[Future[Fact], frozenset[str]] = {}
    errors: list[BaseException] = []
    with ThreadPoolExecutor(max(1, workers)) as pool:
        for batch in batches:
            mine = frozenset(ids(batch)) if ids else frozenset()
            while running and (len(running) >= workers or any(not mine.isdisjoint(held) for held in running.values())):
                yield from _completed(running, errors)
            if errors:
                break
            running[pool.submit(work, batch)] = mine
        while running:
            yield from _completed(running, errors)
    if errors:
        raise errors[0]


def _completed(running: dict[Future[Fact], frozenset[str]], errors: list[BaseException]) -> Iterator[Fact]:
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        del running[future]
        error = future.exception()
        if error is None:
            yield future.result()
        else:
            errors.append(error)
