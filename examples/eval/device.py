"""The accelerator: CUDA, or an emulation that answers after as long as a GPU step would take.

Both score every image for real, with the same whole numbers and so the same result.
"""

import os
import time

from dataset import side

# A step of a vision model of a few hundred kernels: the host launches them one by one, whatever the
# batch, and the GPUs then share the batch. Both devices take these times: the classifier itself is
# far too small to keep a GPU busy.
launch_seconds = 0.0021
image_seconds = 0.0004
gpus_max = 64
# Images of half the rows skip the model's first stage.
half_launch, half_compute = 0.6, 0.5

image_bytes = side * side


class DeviceError(Exception):
    """The accelerator that was asked for cannot be used; the message says why."""


def visible_slots(environ=os.environ):
    """Names of the GPU slots that the scheduler gave."""
    names = (name.strip() for name in environ.get("CUDA_VISIBLE_DEVICES", "").split(","))
    return list(dict.fromkeys(name for name in names if name))[:gpus_max]


def visible_gpus(environ=os.environ):
    """How many; one where the scheduler said nothing."""
    return max(1, len(visible_slots(environ)))


def open_device(name, model, gpus, rows, pinned):
    if name == "emulated":
        return EmulatedDevice(model, gpus, rows, pinned)
    import device_cuda  # Loads ctypes, which only this device needs.

    return device_cuda.CudaDevice(model, gpus, rows, pinned)


class StepTimes:
    def __init__(self, gpus, rows):
        half = rows < side
        self._gpus = gpus
        self.launch = launch_seconds * (half_launch if half else 1)
        self._image = image_seconds * (half_compute if half else 1)

    def compute(self, images):
        """The fullest GPU decides: a batch of one keeps one busy, however many there are."""
        return self._image * -(-images // self._gpus)


class EmulatedDevice:
    name = "emulated"
    statement = ("emulated GPU: waits as long as a GPU step of the batch would, "
                 "and computes the scores on the CPU")

    def __init__(self, model, gpus, rows, pinned=False):
        # Page-locked memory would speed up real copies; here there are none to speed up.
        self._model, self._pinned = model, pinned
        self._times = StepTimes(gpus, rows)
        self._images = []
        self._done_at = 0.0

    def load(self, pixels):
        """Copies a batch to the device."""
        self._images = [pixels[at:at + image_bytes] for at in range(0, len(pixels), image_bytes)]

    def launch(self):
        """Starts the step: the host is busy, the GPUs are not yet."""
        launched_at = time.monotonic() + self._times.launch
        self._done_at = launched_at + self._times.compute(len(self._images))
        sleep_until(launched_at)

    def wait(self):
        """The predicted labels, when the step is over."""
        labels = [self._model.predict(image) for image in self._images]
        sleep_until(self._done_at)
        return labels


def sleep_until(moment):
    left = moment - time.monotonic()
    if left > 0:
        time.sleep(left)
