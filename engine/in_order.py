"""The same work on one thing after the other, several at once, handed on in their order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

R = TypeVar("R")
Given = TypeVar("Given")


def in_order(work: Callable[[Given], R], things: Iterable[Given], n_threads: int) -> Iterator[R]:
    """What `work` makes of each thing. At most `n_threads` of them are in hand at a time.

    `things` are made here, while the threads work on earlier ones. With one thread nothing runs
    beside anything. Raises what `work` and `things` raise.
    """
    if n_threads == 1:
        for thing in things:
            yield work(thing)
        return
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(n_threads, thread_name_prefix="in-order") as pool:
        try:
            for thing in things:
                waiting.append(pool.submit(work, thing))
                if len(waiting) >= n_threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
