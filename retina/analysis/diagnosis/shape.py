"""The shape of a loss curve, whatever its scale: everything is measured in natural logarithms of the loss.

A difference of 0.1 is a change by a tenth, whatever the loss and whatever its scale, so that cross-entropy and focal
loss, and curves of any height, are judged by the same constants.
"""

import numpy as np

SMALLEST_SHARE = 0.01  # of the run's median loss: changes below it do not count
SMALLEST_LOSS = 1e-12  # so that a loss of 0 has a logarithm
SHORTEST = 4  # epochs: two inner ones are the fewest that show a scatter
NORMAL_QUARTILE = 0.6745  # the median of |Z| of a standard normal Z


def levels(losses: np.ndarray) -> np.ndarray:
    """Losses, raised to at least a hundredth of their median, so that a relative change means something.

    Args:
        losses: (E,) float64, finite.

    Returns:
        (E,) float64, > 0.
    """
    floor = SMALLEST_SHARE * float(np.median(losses)) if len(losses) else 0.0
    return np.maximum(losses, max(floor, SMALLEST_LOSS))


def bends(losses: np.ndarray) -> np.ndarray:
    """How far each inner epoch lies from the mean of its two neighbours, (E - 2,) log units, >= 0.

    It is 0 on a straight line. Independent scatter of standard deviation s gives a standard deviation of s sqrt(3/2).
    """
    logs = np.log(levels(losses))
    return np.abs(logs[1:-1] - (logs[:-2] + logs[2:]) / 2)


def noise(losses: np.ndarray) -> float:
    """The scatter of a loss from epoch to epoch, as a standard deviation in log units.

    The median bend over 0.6745 sqrt(3/2): a trend cancels in second differences, and a single jump does not move the
    median (difference-based variance: Gasser, Sroka, Jennen-Steinmetz 1986, Biometrika 73:625-633).

    Returns:
        >= 0; NaN below four epochs.
    """
    if len(losses) < SHORTEST:
        return float("nan")
    return float(np.median(bends(losses)) / (NORMAL_QUARTILE * np.sqrt(1.5)))


def swings(losses: np.ndarray) -> np.ndarray:
    """At every turning point the smaller of its two steps; 0 where the loss goes on in its direction.

    A trend has no turning points, a jump that stays has none, a single spike has one.

    Returns:
        (E,) float64 in log units, >= 0; the first and the last epoch are 0.
    """
    logs = np.log(levels(losses))
    steps = np.diff(logs)
    sizes = np.zeros(len(logs))
    turns = steps[:-1] * steps[1:] < 0
    sizes[1:-1] = np.where(turns, np.minimum(np.abs(steps[:-1]), np.abs(steps[1:])), 0.0)
    return sizes


def spread(losses: np.ndarray) -> float:
    """From the lowest to the second highest loss, log units: the range, without a single outlier such as epoch 1.

    Returns:
        >= 0; NaN below four epochs.
    """
    if len(losses) < SHORTEST:
        return float("nan")
    ordered = np.sort(np.log(levels(losses)))
    return float(ordered[-2] - ordered[0])


def roughness(losses: np.ndarray) -> float:
    """The mean swing per inner epoch, relative to the loss: 0 for a curve that only falls, or falls and then rises.

    The lowest point of a curve that falls and then rises is its turning, not a swing, and is left out.

    Returns:
        >= 0, 0.1 for swings of a tenth; NaN below four epochs.
    """
    if len(losses) < SHORTEST:
        return float("nan")
    sizes = swings(losses)
    sizes[int(np.argmin(losses))] = 0.0
    return float(np.expm1(sizes.sum() / (len(sizes) - 2)))
