"""Susceptible, infected, recovered in several age groups: Euler steps with a contact matrix."""

import numpy as np

SIZES = (10, 77000)


def inputs(n):
    rng = np.random.default_rng(43)
    contact = rng.random((5, 5)) + 0.2
    return {"contact": (contact + contact.T) / 2, "population": np.array([1e5, 2e5, 3e5, 2e5, 1e5]), "steps": n}


def run(contact, population, steps):
    beta, gamma, dt = 0.06, 0.1, 0.02
    s = population - 10.0
    i = np.full(5, 10.0)
    r = np.zeros(5)
    peak = 0.0
    peak_time = 0
    for step in range(steps):
        force = beta * contact @ (i / population)
        new_infections = force * s * dt
        recoveries = gamma * i * dt
        s = s - new_infections
        i = i + new_infections - recoveries
        r = r + recoveries
        if i.sum() > peak:
            peak = i.sum()
            peak_time = step
    return s, i, r, peak, peak_time
