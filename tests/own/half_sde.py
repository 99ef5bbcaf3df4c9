"""A sampler of one's own: the reverse SDE with half of its noise."""


def sampler(score, x, sigma, sigma_next, noise):
    dv = sigma**2 - sigma_next**2
    if sigma_next == 0:
        return x + dv * score(x, sigma)
    return x + 0.75 * dv * score(x, sigma) + (dv / 2) ** 0.5 * noise()
