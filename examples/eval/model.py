"""The classifier: the label of the nearest prototype."""

import json
import operator
import os

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "prototypes.json")


class Model:
    def __init__(self):
        with open(path, "rb") as file:
            prototypes = json.load(file)
        self.labels = [prototype["label"] for prototype in prototypes]
        # |x - p|² is least where 2p·x - |p|² is greatest, as |x|² is the same for all.
        self.weights = [[2 * pixel for pixel in p["pixels"]] for p in prototypes]
        self.biases = [-sum(pixel * pixel for pixel in p["pixels"]) for p in prototypes]

    def predict(self, pixels):
        scores = [sum(map(operator.mul, weights, pixels)) for weights in self.weights]
        scores = list(map(operator.add, scores, self.biases))
        return self.labels[scores.index(max(scores))]
