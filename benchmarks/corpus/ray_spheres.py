"""A tiny ray tracer: spheres, one light, shadows; vectors are small arrays."""

import numpy as np

SIZES = (6, 160)


class Sphere:
    def __init__(self, centre, radius, colour):
        self.centre = np.array(centre)
        self.radius = radius
        self.colour = np.array(colour)

    def hit(self, origin, direction):
        oc = origin - self.centre
        b = np.dot(oc, direction)
        c = np.dot(oc, oc) - self.radius**2
        disc = b * b - c
        if disc < 0:
            return None
        t = -b - np.sqrt(disc)
        return t if t > 1e-4 else None


def normalise(v):
    return v / np.sqrt(np.sum(v * v))


def trace(origin, direction, spheres, light):
    nearest, closest = None, np.inf
    for sphere in spheres:
        t = sphere.hit(origin, direction)
        if t is not None and t < closest:
            nearest, closest = sphere, t
    if nearest is None:
        return np.array([0.2, 0.3, 0.5]) * (1.0 - 0.5 * direction[1])
    point = origin + closest * direction
    normal = normalise(point - nearest.centre)
    to_light = normalise(light - point)
    if any(s.hit(point + 1e-3 * normal, to_light) is not None for s in spheres):
        return 0.1 * nearest.colour
    return nearest.colour * (0.1 + 0.9 * max(0.0, np.dot(normal, to_light)))


def inputs(n):
    return {"width": n, "height": n}


def run(width, height):
    spheres = [
        Sphere([0.0, 0.0, -3.0], 1.0, [1.0, 0.2, 0.2]),
        Sphere([1.5, 0.3, -4.0], 1.0, [0.2, 1.0, 0.2]),
        Sphere([-1.2, -0.4, -2.2], 0.4, [0.2, 0.2, 1.0]),
    ]
    light = np.array([5.0, 5.0, 0.0])
    origin = np.zeros(3)
    image = np.zeros((height, width, 3))
    for j in range(height):
        for i in range(width):
            direction = normalise(np.array([(i + 0.5) / width * 2 - 1, 1 - (j + 0.5) / height * 2, -1.5]))
            image[j, i] = trace(origin, direction, spheres, light)
    return np.clip(image, 0, 1)
