"""Rounding of amounts: half to even, once, where an amount is made."""


def divide_half_even(numerator: int, denominator: int) -> int:
    """The quotient rounded to the nearest integer, halves to the even one."""
    quotient, rest = divmod(numerator, denominator)
    double = 2 * rest
    return quotient + (double > denominator or (double == denominator and quotient % 2 == 1))
