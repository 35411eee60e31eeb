"""A duration in words."""

MINUTE, HOUR = 60, 3600


def in_words(seconds: float) -> str:
    """Seconds as people say them, in the two largest units: `59 s`, `2 min 13 s`, `1 h 5 min`.

    Args:
        seconds: At least 0; rounded to whole seconds, and from an hour on to whole minutes.
    """
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    minutes = round(seconds / MINUTE)
    return f"{minutes // MINUTE} h {minutes % MINUTE} min"
