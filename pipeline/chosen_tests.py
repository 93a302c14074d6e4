"""The tests that an assay's options choose, checked when study.toml is read."""


def known_tests(names: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Give the names back if a study can run them all.

    Parameters
    ----------
    names : tuple of str or None
        The option ``tests``.

    Raises
    ------
    ValueError
        If a name is no test's, or a test needs what a study has no option for.
    """
    from ..stats.comparison import TESTS

    unknown = [name for name in names or () if name not in TESTS]
    if unknown:
        raise ValueError(f"tests among {', '.join(TESTS)}; {', '.join(unknown)} is none of them")
    if "equivalence" in (names or ()):
        raise ValueError(
            "tests other than equivalence, whose margin is in the units of one feature: put that "
            "feature's table to xenoquant compare --test equivalence --margin"
        )
    return names
