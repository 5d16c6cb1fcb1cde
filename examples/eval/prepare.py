#!/usr/bin/env python3
"""Writes the 1,797 images out as files: `prepare.py [FOLDER]`, or the folder that EVAL_DATA names.

Does nothing where they are complete. The folder appears whole or not at all, so that two calls at
once, or one that was killed, leave nothing half done.
"""

import argparse
import gzip
import os
import pathlib
import shutil
import sys
import tempfile

import dataset

source = pathlib.Path(__file__).resolve().parent / "digits.csv.gz"
images = 1797


def complete(folder):
    try:
        index = dataset.read_index(folder)
    except dataset.DataError:
        return False
    return len(index) == images and all(os.path.exists(folder / name) for name, _ in index)


def write_images(folder):
    index = []
    with gzip.open(source, "rt", encoding="ascii") as rows:
        for place, row in enumerate(rows):
            *pixels, label = map(int, row.split(","))
            name = f"digit-{place:04}.pgm"
            (folder / name).write_bytes(dataset.header + bytes(pixels))
            index.append(f"{name},{label}\n")
    (folder / dataset.index_name).write_text("".join(index), encoding="ascii")


def prepare(folder):
    """Whether there was anything to do."""
    if complete(folder):
        return False
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = pathlib.Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        fresh.chmod(0o755)
        write_images(fresh)
        try:
            fresh.rename(folder)
        except OSError:
            if not complete(folder):  # Else another call was first.
                raise dataset.DataError(
                    f"{folder} exists and does not hold the images: remove it, or name another "
                    "folder") from None
            return False
        return True
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description="Write the example's images out as files.")
    parser.add_argument("folder", nargs="?", default=os.environ.get("EVAL_DATA"))
    folder = parser.parse_args().folder
    if not folder:
        parser.error("no folder: give one, or set EVAL_DATA")
    try:
        wrote = prepare(pathlib.Path(folder).absolute())
    except (dataset.DataError, OSError) as error:
        sys.exit(f"prepare.py: error: {error}")
    print(f"{images} images {'written to' if wrote else 'already in'} {folder}")


if __name__ == "__main__":
    main()
