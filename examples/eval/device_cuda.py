"""The accelerator on NVIDIA GPUs, through the driver alone: no toolkit, no package.

`device_cuda.py` by itself tries one batch on the first GPU and compares it with the CPU's result.
"""

import ctypes
import os
import pathlib
import sys
import time
from ctypes import byref, c_char_p, c_int, c_size_t, c_uint, c_ulonglong, c_void_p

from device import DeviceError, StepTimes, image_bytes, sleep_until, visible_slots

kernel = pathlib.Path(__file__).resolve().parent / "score.ptx"
batch_max = 128
threads = 128


class Driver:
    """The driver's calls; each raises where it fails."""

    def __init__(self):
        try:
            self._library = ctypes.CDLL("libcuda.so.1")
        except OSError as error:
            raise DeviceError(f"no CUDA driver: {error}; set EVAL_DEVICE=emulated") from None
        self.call("cuInit", c_uint(0))

    def call(self, name, *arguments):
        status = getattr(self._library, name)(*arguments)
        if status != 0:
            text = c_char_p()
            self._library.cuGetErrorName(status, byref(text))
            why = text.value.decode() if text.value else f"error {status}"
            raise DeviceError(f"{name}: {why}; set EVAL_DEVICE=emulated to do without a GPU")

    def made(self, kind, name, *arguments):
        """What a call writes to its first argument."""
        value = kind()
        self.call(name, byref(value), *arguments)
        return value


class Gpu:
    """One GPU with the model on it."""

    def __init__(self, driver, number, model, pinned):
        self._driver = driver
        device = driver.made(c_int, "cuDeviceGet", c_int(number))
        self._context = driver.made(c_void_p, "cuDevicePrimaryCtxRetain", device)
        self._enter()
        module = driver.made(c_void_p, "cuModuleLoadData", c_char_p(kernel.read_bytes()))
        self._score = driver.made(c_void_p, "cuModuleGetFunction", module, b"score")
        self._prototypes = len(model.biases)
        self._weights = self._upload([weight for row in model.weights for weight in row])
        self._biases = self._upload(model.biases)
        self._pixels = self._allocate(batch_max * image_bytes)
        self._best = self._allocate(batch_max * ctypes.sizeof(c_int))
        size = batch_max * image_bytes
        self._staging = driver.made(c_void_p, "cuMemAllocHost_v2", c_size_t(size)) \
            if pinned else ctypes.create_string_buffer(size)
        self._images = 0

    def _enter(self):
        self._driver.call("cuCtxSetCurrent", self._context)

    def _allocate(self, size):
        return self._driver.made(c_ulonglong, "cuMemAlloc_v2", c_size_t(size))

    def _upload(self, numbers):
        there = self._allocate(len(numbers) * ctypes.sizeof(c_int))
        here = (c_int * len(numbers))(*numbers)
        self._driver.call("cuMemcpyHtoD_v2", there, here, c_size_t(ctypes.sizeof(here)))
        return there

    def load(self, pixels):
        self._images = len(pixels) // image_bytes
        if self._images:
            self._enter()
            ctypes.memmove(self._staging, pixels, len(pixels))
            self._driver.call("cuMemcpyHtoD_v2", self._pixels, self._staging,
                              c_size_t(len(pixels)))

    def launch(self, seconds):
        if not self._images:
            return
        self._enter()
        values = (self._pixels, self._weights, self._biases, self._best, c_int(self._images),
                  c_int(self._prototypes), c_ulonglong(int(seconds * 1e9)))
        pointers = (c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
        blocks = -(-self._images // threads)
        self._driver.call("cuLaunchKernel", self._score, blocks, 1, 1, threads, 1, 1, 0, None,
                          pointers, None)

    def wait(self):
        """The nearest prototype of each image."""
        if not self._images:
            return []
        self._enter()
        best = (c_int * self._images)()
        self._driver.call("cuCtxSynchronize")
        self._driver.call("cuMemcpyDtoH_v2", best, self._best, c_size_t(ctypes.sizeof(best)))
        return list(best)


class CudaDevice:
    name = "cuda"

    def __init__(self, model, gpus, rows, pinned=False):
        share_real_gpus(os.environ)
        driver = Driver()
        present = driver.made(c_int, "cuDeviceGetCount").value
        if present == 0:
            raise DeviceError("no CUDA device is visible; set EVAL_DEVICE=emulated")
        self._labels = model.labels
        self._times = StepTimes(gpus, rows)
        self._gpus = [Gpu(driver, n, model, pinned) for n in range(min(gpus, present))]
        self._images = 0
        self.statement = (f"CUDA, {len(self._gpus)} GPUs for {gpus} slots: scores there, and holds "
                          "the GPUs as long as a step of a larger model would take")

    def load(self, pixels):
        self._images = len(pixels) // image_bytes
        share = -(-self._images // len(self._gpus)) * image_bytes
        for number, gpu in enumerate(self._gpus):
            gpu.load(pixels[number * share:(number + 1) * share])

    def launch(self):
        sleep_until(time.monotonic() + self._times.launch)
        for gpu in self._gpus:
            gpu.launch(self._times.compute(self._images))

    def wait(self):
        return [self._labels[best] for gpu in self._gpus for best in gpu.wait()]


def share_real_gpus(environ, present=None):
    """Slots beyond the GPUs that are there share those: slot 5 of 2 GPUs is GPU 1.

    The driver would hide every GPU from the first number on that it does not know.
    """
    if present is None:
        present = len(list(pathlib.Path("/proc/driver/nvidia/gpus").glob("*")))
    slots = visible_slots(environ)
    if present and slots and all(slot.isdecimal() for slot in slots):
        real = dict.fromkeys(str(int(slot) % present) for slot in slots)
        environ["CUDA_VISIBLE_DEVICES"] = ",".join(real)


def main():
    from model import Model

    model = Model()
    images = [bytes((7 * place + 3 * number) % 17 for place in range(image_bytes))
              for number in range(batch_max)]
    try:
        device = CudaDevice(model, 1, 8)
        device.load(b"".join(images))
        device.launch()
        found = device.wait()
    except DeviceError as error:
        sys.exit(f"device_cuda.py: error: {error}")
    if found != [model.predict(image) for image in images]:
        sys.exit("device_cuda.py: error: the GPU's result differs from the CPU's")
    print("the GPU's result is the CPU's")


if __name__ == "__main__":
    main()
