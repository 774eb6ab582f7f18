"""States and union territories by the two digits of the GST state list, and by their two letters.

The digits are those of the e-invoice schema (INV-01, "State code"), the letters those of vehicle plates
and ISO 3166-2:IN, old ones too. 96 is export, 97 other territory, 99 the centre.
"""

_LETTERS = {
    "01": "JK", "02": "HP", "03": "PB", "04": "CH", "05": "UK UT UA", "06": "HR", "07": "DL", "08": "RJ",
    "09": "UP", "10": "BR BH", "11": "SK", "12": "AR", "13": "NL", "14": "MN", "15": "MZ", "16": "TR",
    "17": "ML", "18": "AS", "19": "WB", "20": "JH", "21": "OD OR", "22": "CG CT", "23": "MP", "24": "GJ",
    "25": "", "26": "DN DD DH", "27": "MH", "28": "", "29": "KA", "30": "GA", "31": "LD", "32": "KL",
    "33": "TN", "34": "PY", "35": "AN", "36": "TS TG", "37": "AP AD", "38": "LA", "96": "", "97": "",
    "99": "",
}  # fmt: skip
_BY_LETTERS = {letters: code for code, all_ in _LETTERS.items() for letters in all_.split()}


def state_of(text: str) -> str | None:
    """The two digits of a state that is told by them or by its letters; None for any other text."""
    return text if text in _LETTERS else _BY_LETTERS.get(text.upper())
