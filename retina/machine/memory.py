"""Memory that is kept between training steps, and how much a process has used."""

import ctypes
import sys

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1
"""glibc's names of its parameters, from malloc.h."""

LARGEST_KEPT = 1 << 30
"""Bytes; a larger tensor is given back when it is freed. VGG16's largest has 0.8 GiB, at batch 64 and 224 px."""


def keep_freed() -> bool:
    """Let this process keep the memory it frees, for the next step to use.

    A training step allocates and frees gigabytes of feature maps. By default glibc gives most of them back to the
    system, which clears every page again in the next step. `benchmarks/README.md` has the gain and its price. Later
    calls change nothing.

    Returns:
        Whether the allocator was set; C libraries other than glibc have no such parameters.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    # Both are needed: below the first, memory comes from the heap, whose free end goes back to the system unless the
    # second says otherwise. It is a C int, of which this is the largest.
    return all(mallopt(*parameter) for parameter in ((MMAP_THRESHOLD, LARGEST_KEPT), (TRIM_THRESHOLD, 2**31 - 1)))


def peak_mebibytes() -> int | None:
    """The most memory this process has had resident, in MiB; `None` where the system does not say."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak >> (20 if sys.platform == "darwin" else 10)
