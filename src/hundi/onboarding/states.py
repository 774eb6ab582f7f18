"""States and union territories: the two digits that begin a GSTIN, and how people spell them."""

import re

CODES_BY_NAME = {
    "JAMMU AND KASHMIR": "01",
    "HIMACHAL PRADESH": "02",
    "PUNJAB": "03",
    "CHANDIGARH": "04",
    "UTTARAKHAND": "05",
    "HARYANA": "06",
    "DELHI": "07",
    "RAJASTHAN": "08",
    "UTTAR PRADESH": "09",
    "BIHAR": "10",
    "SIKKIM": "11",
    "ARUNACHAL PRADESH": "12",
    "NAGALAND": "13",
    "MANIPUR": "14",
    "MIZORAM": "15",
    "TRIPURA": "16",
    "MEGHALAYA": "17",
    "ASSAM": "18",
    "WEST BENGAL": "19",
    "JHARKHAND": "20",
    "ODISHA": "21",
    "CHHATTISGARH": "22",
    "MADHYA PRADESH": "23",
    "GUJARAT": "24",
    "DADRA AND NAGAR HAVELI AND DAMAN AND DIU": "26",
    "MAHARASHTRA": "27",
    "KARNATAKA": "29",
    "GOA": "30",
    "LAKSHADWEEP": "31",
    "KERALA": "32",
    "TAMIL NADU": "33",
    "PUDUCHERRY": "34",
    "ANDAMAN AND NICOBAR ISLANDS": "35",
    "TELANGANA": "36",
    "ANDHRA PRADESH": "37",
    "LADAKH": "38",
}
_ALSO = {
    "ORISSA": "21",
    "PONDICHERRY": "34",
    "NEW DELHI": "07",
    "NCT OF DELHI": "07",
    "UTTARANCHAL": "05",
    "DADRA AND NAGAR HAVELI": "26",
    "DAMAN AND DIU": "26",
}


def _letters(name: str) -> str:
    return re.sub(r"[^A-Z]", "", name.upper().replace("&", "AND"))


_BY_LETTERS = {_letters(name): code for name, code in (CODES_BY_NAME | _ALSO).items()}


def state_code(name: str) -> str | None:
    """The code of a state by its name, whatever its case and spacing; None for an unknown one."""
    return _BY_LETTERS.get(_letters(name))
