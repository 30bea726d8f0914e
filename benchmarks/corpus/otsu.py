"""Otsu's threshold from the histogram of an image, and the binary image."""

import numpy as np

SIZES = (16, 2600)


def inputs(n):
    rng = np.random.default_rng(5)
    image = np.where(rng.random((n, n)) < 0.4, rng.normal(80, 20, (n, n)), rng.normal(170, 25, (n, n)))
    return {"image": np.clip(image, 0, 255).astype(np.uint8)}


def histogram(image):
    counts = [0] * 256
    for row in image:
        for value in row:
            counts[value] += 1
    return counts


def best_threshold(counts):
    total = sum(counts)
    weighted_total = sum(i * c for i, c in enumerate(counts))
    best, best_variance = 0, -1.0
    weight = 0
    running = 0.0
    for level, count in enumerate(counts):
        weight += count
        if weight == 0:
            continue
        rest = total - weight
        if rest == 0:
            break
        running += level * count
        mean_low = running / weight
        mean_high = (weighted_total - running) / rest
        variance = weight * rest * (mean_low - mean_high) ** 2
        if variance > best_variance:
            best, best_variance = level, variance
    return best


def run(image):
    threshold = best_threshold(histogram(image))
    return threshold, (image > threshold).astype(np.uint8) * 255
