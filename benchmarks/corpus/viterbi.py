"""Most likely path through a hidden Markov model, log space, with back pointers."""

import numpy as np

SIZES = (8, 24000)


def inputs(n):
    rng = np.random.default_rng(35)
    return {
        "obs": rng.integers(0, 6, n),
        "start": np.log(np.full(8, 1 / 8)),
        "trans": np.log(rng.dirichlet(np.ones(8), 8)),
        "emit": np.log(rng.dirichlet(np.ones(6), 8)),
    }


def run(obs, start, trans, emit):
    t_max = len(obs)
    states = len(start)
    delta = np.zeros((t_max, states))
    back = np.zeros((t_max, states), dtype=np.int64)
    delta[0] = start + emit[:, obs[0]]
    for t in range(1, t_max):
        for s in range(states):
            scores = delta[t - 1] + trans[:, s]
            back[t, s] = np.argmax(scores)
            delta[t, s] = scores[back[t, s]] + emit[s, obs[t]]
    path = np.zeros(t_max, dtype=np.int64)
    path[-1] = np.argmax(delta[-1])
    for t in range(t_max - 2, -1, -1):
        path[t] = back[t + 1, path[t + 1]]
    return path, delta[-1].max()
