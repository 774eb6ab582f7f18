"""PAN and GSTIN: their forms and the check character (Income-tax Act; CGST Rules, rule 10).

A PAN has a form and a holder letter but no published check. A normal GSTIN ends in a check
character; those of government bodies, embassies, deductors and foreign sellers follow patterns.
"""

import re

_PAN = re.compile(r"[A-Z]{3}[ABCFGHJLPT][A-Z][0-9]{4}[A-Z]")
_NORMAL = re.compile(r"[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z][Z1-9A-J][0-9A-Z]")
# Tried only where the normal form does not fit: what holds a PAN has a check character.
_SPECIAL = tuple(
    re.compile(pattern)
    for pattern in (
        r"[0-9]{2}[A-Z]{4}[0-9]{5}[A-Z][0-9]Z[0-9]",  # government department, by its TAN
        r"[0-9]{2}[A-Z]{4}[A-Z0-9][0-9]{4}[A-Z][1-9A-Z]D[0-9A-Z]",  # deducts tax (TDS)
        r"[0-9]{2}[A-Z]{4}[A-Z0-9][0-9]{4}[A-Z][1-9A-Z]C[0-9A-Z]",  # collects tax (TCS)
        r"[0-9]{4}[A-Z]{3}[0-9]{5}NR[0-9A-Z]",  # non-resident
        r"[0-9]{4}[A-Z]{3}[0-9]{5}(UN|ON)[0-9A-Z]",  # UN bodies, embassies, notified persons
        r"99[0-9]{2}[A-Z]{3}[0-9]{5}OS[0-9A-Z]",  # foreign online services (OIDAR)
    )
)
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
UNREGISTERED = frozenset({"", "URP"})
"""What stands for "no GSTIN"."""


def is_pan(text: str) -> bool:
    """Whether a text has the form of a PAN and a known holder letter."""
    return _PAN.fullmatch(text) is not None


def gstin_fault(gstin: str) -> str | None:
    """What is wrong with a GSTIN, as a sentence; None if nothing is."""
    if not _NORMAL.fullmatch(gstin):
        if any(form.fullmatch(gstin) for form in _SPECIAL):
            return None
        return f"{gstin} does not have the form of a GSTIN. Send the 15 characters as registered."
    expected = check_character(gstin[:14])
    if gstin[14] != expected:
        return f"{gstin} ends in {gstin[14]}, its check character is {expected}. Correct the GSTIN."
    return None


def check_character(first14: str) -> str:
    """The fifteenth character of a normal GSTIN, from the fourteen before it (base 36, weights 1 2)."""
    total = 0
    for place, character in enumerate(first14):
        product = _DIGITS.index(character) * (1 + place % 2)
        total += product // 36 + product % 36
    return _DIGITS[-total % 36]


def pan_inside(gstin: str) -> str | None:
    """The PAN that a normal GSTIN contains; None for other forms."""
    return gstin[2:12] if _NORMAL.fullmatch(gstin) else None
