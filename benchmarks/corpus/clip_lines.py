"""Cohen and Sutherland's clipping of many line segments, with bit codes."""

import numpy as np

SIZES = (20, 160000)
LEFT, RIGHT, BOTTOM, TOP = 1, 2, 4, 8


def inputs(n):
    return {"segments": np.random.default_rng(46).uniform(-2.0, 2.0, (n, 4)), "box": (-1.0, -1.0, 1.0, 1.0)}


def outcode(x, y, box):
    xmin, ymin, xmax, ymax = box
    code = 0
    if x < xmin:
        code |= LEFT
    elif x > xmax:
        code |= RIGHT
    if y < ymin:
        code |= BOTTOM
    elif y > ymax:
        code |= TOP
    return code


def clip(x0, y0, x1, y1, box):
    xmin, ymin, xmax, ymax = box
    code0 = outcode(x0, y0, box)
    code1 = outcode(x1, y1, box)
    while True:
        if not (code0 | code1):
            return True, x0, y0, x1, y1
        if code0 & code1:
            return False, x0, y0, x1, y1
        out = code0 if code0 else code1
        if out & TOP:
            x = x0 + (x1 - x0) * (ymax - y0) / (y1 - y0)
            y = ymax
        elif out & BOTTOM:
            x = x0 + (x1 - x0) * (ymin - y0) / (y1 - y0)
            y = ymin
        elif out & RIGHT:
            y = y0 + (y1 - y0) * (xmax - x0) / (x1 - x0)
            x = xmax
        else:
            y = y0 + (y1 - y0) * (xmin - x0) / (x1 - x0)
            x = xmin
        if out == code0:
            x0, y0 = x, y
            code0 = outcode(x0, y0, box)
        else:
            x1, y1 = x, y
            code1 = outcode(x1, y1, box)


def run(segments, box):
    kept = 0
    length = 0.0
    for k in range(len(segments)):
        inside, x0, y0, x1, y1 = clip(*segments[k], box)
        if inside:
            kept += 1
            length += ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    return kept, length
