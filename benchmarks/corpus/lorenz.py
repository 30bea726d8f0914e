"""The Lorenz system by classical Runge-Kutta with tuples."""

SIZES = (10, 270000)


def inputs(n):
    return {"steps": n, "dt": 0.005, "state": (1.0, 1.0, 1.05)}


def lorenz(x, y, z, sigma=10.0, rho=28.0, beta=8.0 / 3.0):
    return sigma * (y - x), x * (rho - z) - y, x * y - beta * z


def rk4(state, dt):
    x, y, z = state
    k1x, k1y, k1z = lorenz(x, y, z)
    k2x, k2y, k2z = lorenz(x + dt / 2 * k1x, y + dt / 2 * k1y, z + dt / 2 * k1z)
    k3x, k3y, k3z = lorenz(x + dt / 2 * k2x, y + dt / 2 * k2y, z + dt / 2 * k2z)
    k4x, k4y, k4z = lorenz(x + dt * k3x, y + dt * k3y, z + dt * k3z)
    return (
        x + dt / 6 * (k1x + 2 * k2x + 2 * k3x + k4x),
        y + dt / 6 * (k1y + 2 * k2y + 2 * k3y + k4y),
        z + dt / 6 * (k1z + 2 * k2z + 2 * k3z + k4z),
    )


def run(steps, dt, state):
    xs = []
    turns = 0
    for _ in range(steps):
        before = state[0]
        state = rk4(state, dt)
        if before * state[0] < 0:
            turns += 1
        xs.append(state[0])
    return state, turns, xs
