# pyright: reportAttributeAccessIssue=false
# (bpy comes without type stubs)
"""Starting Blender so that it keeps to the threads it is given."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress


def start_blender(threads: int) -> None:
    """Import bpy; call it before anything else does, once per process.

    Blender's scheduler (oneTBB) keeps a worker per processor that it sees when it starts, and on
    renders with fewer threads the idle ones spin, taking time from the process beside this
    one. So Blender is shown only as many processors as it shall use threads while it starts.
    """
    with _few_processors(threads):
        import bpy

        # the scheduler itself starts with the first thing that runs in parallel
        bpy.ops.wm.read_factory_settings(use_empty=True)


@contextmanager
def _few_processors(count: int) -> Iterator[None]:
    if not hasattr(os, "sched_setaffinity"):  # only Linux lets a process choose its processors
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[:count])
    try:
        yield
    finally:
        # threads that were started meanwhile have inherited the few
        for thread in os.listdir("/proc/self/task"):
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(thread), allowed)
