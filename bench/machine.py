#!/usr/bin/env python3
"""One line about the machine of the moment: cores, load, and what a durable write costs."""

import os
import statistics
import tempfile
import time


def fsync_ms(times=50):
    spent = []
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(times):
            file.write(b"x" * 4096)
            file.flush()
            begun = time.monotonic()
            os.fsync(file.fileno())
            spent.append((time.monotonic() - begun) * 1000)
    return statistics.median(spent)


print(f"machine: {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}, fsync {fsync_ms():.2f} ms")
