"""The run of `amdahl`, or a silent stand-in where that package is not installed."""

import os
import sys

try:
    import amdahl
except ImportError:  # In a checkout it stands two folders up.
    sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../python"))
    try:
        import amdahl
    except ImportError:
        amdahl = None


class _Silent:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def __getattr__(self, name):
        return lambda *args, **values: self


def start():
    return amdahl.start() if amdahl else _Silent()
