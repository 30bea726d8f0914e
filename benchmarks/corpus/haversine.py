"""Distances on the globe: a full matrix in loops, then a tour by the nearest neighbour."""

import math

import numpy as np

SIZES = (8, 940)
RADIUS = 6371.0


def inputs(n):
    rng = np.random.default_rng(56)
    return {"lat": rng.uniform(-60, 60, n), "lon": rng.uniform(-180, 180, n)}


def haversine(lat1, lon1, lat2, lon2):
    p1, p2 = math.radians(lat1), math.radians(lat2)
    dp = p2 - p1
    dl = math.radians(lon2 - lon1)
    a = math.sin(dp / 2) ** 2 + math.cos(p1) * math.cos(p2) * math.sin(dl / 2) ** 2
    return 2 * RADIUS * math.asin(math.sqrt(a))


def run(lat, lon):
    n = len(lat)
    dist = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1, n):
            dist[i, j] = dist[j, i] = haversine(lat[i], lon[i], lat[j], lon[j])
    visited = np.zeros(n, dtype=bool)
    tour = [0]
    visited[0] = True
    total = 0.0
    while len(tour) < n:
        here = tour[-1]
        best, best_d = -1, math.inf
        for j in range(n):
            if not visited[j] and dist[here, j] < best_d:
                best, best_d = j, dist[here, j]
        tour.append(best)
        visited[best] = True
        total += best_d
    return tour, total, dist
