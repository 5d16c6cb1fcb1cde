#!/usr/bin/env python3
"""Makes prototypes.json from a third of the images: `fit.py FOLDER`. Needed only after a change.

Six prototypes a digit by k-means. Whole numbers only, so every machine fits and scores alike.
"""

import json
import pathlib
import sys

import dataset

per_digit = 6
rounds = 12


def distance(one, other):
    return sum((a - b) ** 2 for a, b in zip(one, other))


def mean(points):
    return [sum(column) // len(points) for column in zip(*points)]


def prototypes(points):
    """k-means, started from the point nearest the mean and then always the farthest one."""
    centre = mean(points)
    found = [min(points, key=lambda point: distance(point, centre))]
    while len(found) < per_digit:
        found.append(max(points, key=lambda point: min(distance(point, p) for p in found)))
    for _ in range(rounds):
        groups = [[] for _ in found]
        for point in points:
            groups[min(range(per_digit), key=lambda n: distance(point, found[n]))].append(point)
        found = [mean(group) if group else old for group, old in zip(groups, found)]
    return [list(point) for point in found]


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: fit.py FOLDER")
    folder = sys.argv[1]
    digits = {}
    for name, label in dataset.fit_part(dataset.read_index(folder)):
        image = dataset.decode(dataset.read_file(folder, name), name)
        digits.setdefault(label, []).append(list(image))
    model = [{"label": label, "pixels": pixels}
             for label in sorted(digits) for pixels in prototypes(digits[label])]
    lines = ",\n".join(json.dumps(prototype, separators=(",", ":")) for prototype in model)
    path = pathlib.Path(__file__).resolve().parent / "prototypes.json"
    path.write_text(f"[\n{lines}\n]\n", encoding="ascii")
    print(f"{len(model)} prototypes in {path.name}")


if __name__ == "__main__":
    main()
