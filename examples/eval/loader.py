"""Batches of images, prepared in the loop or by threads beside it."""

import threading
from collections import namedtuple

# As many images as the device's staging memory takes. Nothing holds `prefetch` against it, so a
# larger one runs until the first image beyond: the planted crash.
staging_slots = 128


# `first`: place of its first image; `pixels`: 64 bytes for each.
Batch = namedtuple("Batch", "first pixels")


class Loader:
    """Iterates once over `images` images in order; `read(place)` gives the pixels of one.

    Images in flight lie in a ring of `prefetch` slots.
    """

    def __init__(self, read, images, batch, workers, prefetch):
        self._read, self._images, self._batch = read, images, batch
        self._workers, self._prefetch = workers, prefetch
        self._slots = [b""] * staging_slots
        self._changed = threading.Condition()
        self._taken = 0
        self._ready = set()
        self._failure = None

    def __iter__(self):
        for number in range(self._workers):
            threading.Thread(target=self._work, args=(number,), daemon=True).start()
        for first in range(0, self._images, self._batch):
            if self._workers:
                self._await(first)
            else:
                self._fill(first)
            yield self._take(first)

    def _places(self, first):
        return range(first, min(first + self._batch, self._images))

    def _fill(self, first):
        for place in self._places(first):
            self._slots[place % self._prefetch] = self._read(place)

    def _take(self, first):
        places = self._places(first)
        pixels = b"".join(self._slots[place % self._prefetch] for place in places)
        with self._changed:
            self._taken = places.stop
            self._changed.notify_all()
        return Batch(first, pixels)

    def _work(self, number):
        """Worker `number` prepares every so manieth batch, in order, as far ahead as slots go."""
        step = self._batch * self._workers
        try:
            for first in range(number * self._batch, self._images, step):
                with self._changed:
                    self._changed.wait_for(
                        lambda: self._places(first).stop <= self._taken + self._prefetch)
                self._fill(first)
                with self._changed:
                    self._ready.add(first)
                    self._changed.notify_all()
        except Exception as failure:  # Raised again in the loop.
            with self._changed:
                self._failure = failure
                self._changed.notify_all()

    def _await(self, first):
        with self._changed:
            self._changed.wait_for(lambda: first in self._ready or self._failure)
            if first not in self._ready:
                raise self._failure
            self._ready.remove(first)
