"""What can be turned, and which neutral name stands for what.

The loop sees `knob_a` to `knob_f` only: what each does is for it to find out. The seed of the
naming is in the command, so a job file and the job agree without telling anybody.
"""

import hashlib
from collections import namedtuple

# `phase`: what a change would attack.
Knob = namedtuple("Knob", "phase baseline variant")

knobs = {
    "workers": Knob("input", 0, 2),  # Threads that prepare input beside the loop.
    "batch": Knob("host", 1, 32),  # Images per step.
    "gpus": Knob("over", 4, 2),  # GPU slots; given by the scheduler, not on the command line.
    "pinned": Knob("h2d", 0, 1),  # Page-locked copies: makes no difference at 64 bytes an image.
    "rows": Knob("input", 8, 4),  # Rows read of each image: faster, and wrong more often.
    "prefetch": Knob("input", 96, 256),  # Images in flight: more than the staging area holds.
}
letters = "abcdef"


def order(seed, items):
    """`items` in an order that depends on `seed` alone, whatever the Python version."""
    return sorted(items, key=lambda item: hashlib.sha256(f"{seed}/{item}".encode()).digest())


def naming(seed):
    """letter → knob."""
    return dict(zip(letters, order(f"naming {seed}", sorted(knobs))))
