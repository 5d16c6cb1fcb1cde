"""The images on disk: one PGM file each, and an index of (name, label)."""

import os
import time

side = 8
pixel_max = 16
index_name = "index.csv"
header = b"P5\n%d %d\n%d\n" % (side, side, pixel_max)
fit_every = 3  # Every third image fits the classifier; the others are evaluated.

# The data lie on a local disk here. An evaluation set usually does not: each read waits as long as
# one from a busy shared file system would, for the open and for each row.
open_seconds = 0.0003
row_seconds = 0.0002


class DataError(Exception):
    """The data are missing or damaged; the message says what to do."""


def read_index(folder):
    """(name, label) of every image, in the order of the source file."""
    try:
        with open(os.path.join(folder, index_name), encoding="ascii") as file:
            rows = [line.rstrip("\n").split(",") for line in file]
        return [(name, int(label)) for name, label in rows]
    except FileNotFoundError:
        raise DataError(f"no images in {folder}: run `python3 prepare.py {folder}` first") from None
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {folder}/{index_name}: {error}; remove the folder and run "
                        f"`python3 prepare.py {folder}`") from None


def fit_part(index):
    return index[::fit_every]


def evaluation_part(index):
    return [entry for place, entry in enumerate(index) if place % fit_every]


def read_image(folder, name, rows=side):
    """The 64 pixels of an image, from as many of its rows as asked for, after the emulated wait."""
    time.sleep(open_seconds + row_seconds * rows)
    return decode(read_file(folder, name), name, rows)


def read_file(folder, name):
    try:
        with open(os.path.join(folder, name), "rb", buffering=0) as file:
            return file.read()
    except OSError as error:
        raise DataError(f"cannot read image {name}: {error.strerror}; remove {folder} and run "
                        f"`python3 prepare.py {folder}`") from None


def decode(raw, name, rows=side):
    pixels = raw[len(header):]
    if not raw.startswith(header) or len(pixels) != side * side or max(pixels) > pixel_max:
        raise DataError(f"{name} is not an {side}x{side} image of {pixel_max} greys: remove its "
                        "folder and run prepare.py again")
    return pixels if rows == side else _from_even_rows(pixels)


def _from_even_rows(pixels):
    """Fills each odd row with the mean of its neighbours, so half the rows need not be read."""
    filled = bytearray(pixels)
    for row in range(1, side, 2):
        above = pixels[(row - 1) * side:row * side]
        below = pixels[(row + 1) * side:(row + 2) * side] or bytes(side)
        filled[row * side:(row + 1) * side] = bytes((a + b) // 2 for a, b in zip(above, below))
    return bytes(filled)
