"""All shortest paths with the successor table, distances as nested lists with infinities."""

import random

SIZES = (8, 190)
INF = float("inf")


def inputs(n):
    rng = random.Random(36)
    graph = [[0.0 if i == j else (rng.uniform(1, 10) if rng.random() < 0.2 else INF) for j in range(n)] for i in range(n)]
    return {"graph": graph}


def floyd(dist):
    n = len(dist)
    nxt = [[j if dist[i][j] < INF else -1 for j in range(n)] for i in range(n)]
    for k in range(n):
        for i in range(n):
            if dist[i][k] == INF:
                continue
            for j in range(n):
                through = dist[i][k] + dist[k][j]
                if through < dist[i][j]:
                    dist[i][j] = through
                    nxt[i][j] = nxt[i][k]
    return nxt


def route(nxt, i, j):
    if nxt[i][j] < 0:
        return []
    path = [i]
    while i != j:
        i = nxt[i][j]
        path.append(i)
    return path


def run(graph):
    nxt = floyd(graph)
    longest = max((route(nxt, 0, j) for j in range(len(graph))), key=len)
    return graph, nxt, longest
