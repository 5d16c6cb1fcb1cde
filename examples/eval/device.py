"""The accelerator, emulated: it answers after as long as a GPU step of that size would take.

The scores are really computed, on the CPU, in the time that the step takes anyway.
"""

import os
import time

from dataset import side

# A step of a vision model of a few hundred kernels: the host launches them one by one, whatever the
# batch, and the GPUs then share the batch.
launch_seconds = 0.0021
image_seconds = 0.0004
gpus_max = 64
# Images of half the rows skip the model's first stage.
half_launch, half_compute = 0.6, 0.5

statement = ("device: emulated GPU: waits as long as a GPU step of the batch would, "
             "and computes the scores on the CPU")


def visible_gpus(environ=os.environ):
    """GPU slots that the scheduler gave; one where it said nothing."""
    names = [name.strip() for name in environ.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    return min(max(1, len({name for name in names if name})), gpus_max)


class EmulatedDevice:
    name = "emulated"

    def __init__(self, model, gpus, rows, pinned=False):
        # Page-locked memory would speed up real copies; here there are none to speed up.
        self._model, self._gpus, self._pinned = model, gpus, pinned
        half = rows < side
        self._launch = launch_seconds * (half_launch if half else 1)
        self._image = image_seconds * (half_compute if half else 1)
        self._images = []
        self._done_at = 0.0

    def load(self, pixels):
        """Copies a batch to the device."""
        size = side * side
        self._images = [pixels[at:at + size] for at in range(0, len(pixels), size)]

    def launch(self):
        """Starts the step: the host is busy, the GPUs are not yet."""
        begun = time.monotonic()
        # The fullest GPU decides: a batch of one keeps one busy, however many there are.
        largest_share = -(-len(self._images) // self._gpus)
        launched_at = begun + self._launch
        self._done_at = launched_at + self._image * largest_share
        _sleep_until(launched_at)

    def wait(self):
        """The predicted labels, when the step is over."""
        labels = [self._model.predict(image) for image in self._images]
        _sleep_until(self._done_at)
        return labels


def _sleep_until(moment):
    left = moment - time.monotonic()
    if left > 0:
        time.sleep(left)
