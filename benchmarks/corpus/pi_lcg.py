"""Pi by dart throwing with a generator of one's own."""

SIZES = (50, 1600000)


def inputs(n):
    return {"samples": n, "seed": 12345}


def run(samples, seed):
    state = seed
    inside = 0
    for _ in range(samples):
        state = (1103515245 * state + 12345) % 2147483648
        x = state / 2147483648
        state = (1103515245 * state + 12345) % 2147483648
        y = state / 2147483648
        if x * x + y * y <= 1.0:
            inside += 1
    return 4.0 * inside / samples, state
