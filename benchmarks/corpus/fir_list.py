"""A windowed-sinc low pass on lists, with decimation and zero crossings."""

import math

SIZES = (80, 480000)


def inputs(n):
    return {"signal": [math.sin(0.03 * i) + 0.3 * math.sin(2.1 * i) for i in range(n)], "taps": 31, "factor": 2}


def design(taps, cutoff):
    middle = (taps - 1) / 2
    h = []
    for i in range(taps):
        x = i - middle
        ideal = 2 * cutoff if x == 0 else math.sin(2 * math.pi * cutoff * x) / (math.pi * x)
        h.append(ideal * (0.54 - 0.46 * math.cos(2 * math.pi * i / (taps - 1))))
    total = sum(h)
    return [v / total for v in h]


def run(signal, taps, factor):
    h = design(taps, 0.2)
    out = []
    for start in range(0, len(signal) - taps + 1, factor):
        out.append(sum(h[k] * signal[start + k] for k in range(taps)))
    crossings = sum(1 for a, b in zip(out, out[1:]) if a < 0 <= b)
    return out, crossings
