"""Vertex normals of a triangle mesh, volume, and Laplacian smoothing, with index arrays."""

import numpy as np

SIZES = (6, 400)


def inputs(n):
    y, x = np.mgrid[0:n, 0:n]
    z = np.sin(x / 7.0) * np.cos(y / 5.0)
    vertices = np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1).astype(float)
    i = np.arange(n * n).reshape(n, n)
    a, b, c, d = i[:-1, :-1].ravel(), i[:-1, 1:].ravel(), i[1:, :-1].ravel(), i[1:, 1:].ravel()
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)])
    return {"vertices": vertices, "faces": faces}


def vertex_normals(vertices, faces):
    p0, p1, p2 = vertices[faces[:, 0]], vertices[faces[:, 1]], vertices[faces[:, 2]]
    face_normals = np.cross(p1 - p0, p2 - p0)
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], face_normals)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    return normals / np.where(lengths == 0, 1, lengths), 0.5 * np.linalg.norm(face_normals, axis=1).sum()


def smooth(vertices, faces, rate):
    total = np.zeros_like(vertices)
    count = np.zeros(len(vertices))
    for a, b in ((0, 1), (1, 2), (2, 0)):
        np.add.at(total, faces[:, a], vertices[faces[:, b]])
        np.add.at(total, faces[:, b], vertices[faces[:, a]])
        count += np.bincount(faces[:, a], minlength=len(vertices)) + np.bincount(faces[:, b], minlength=len(vertices))
    return vertices + rate * (total / count[:, None] - vertices)


def run(vertices, faces):
    for _ in range(3):
        vertices = smooth(vertices, faces, 0.4)
    normals, area = vertex_normals(vertices, faces)
    return vertices, normals, area
