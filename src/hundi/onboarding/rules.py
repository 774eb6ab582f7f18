"""What may be registered, and what may be looked for. Pure.

`portalCode` in a fault's context is the code that a public implementation of the same calls gives;
the portal's own list is not published (contract: `known-error-codes`).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from hundi.kernel.faults import Code, Fault, Kind
from hundi.kernel.tax_ids import gstin_fault, pan_inside
from hundi.onboarding.model import (
    B2BIdRegistration,
    BusinessIdentifier,
    CheckEntityBody,
    Institute,
    Register,
    RegisterEntityBody,
    RegisterIdBody,
    SearchEntityBody,
)
from hundi.onboarding.states import state_code
from hundi.parties.model import EXCHANGES, IS_PAID, PAYS, TAKEN

PAN_FORM = Code(
    "ONBOARD-PAN-FORM", Kind.RULE, "The fourth letter of the PAN does not stand for the legal form."
)
GSTIN = Code(
    "ONBOARD-GSTIN",
    Kind.RULE,
    "The GSTIN is malformed, fails its check, holds another PAN or lies in another state.",
)
DEFAULT_ID = Code(
    "ONBOARD-DEFAULT-ID",
    Kind.RULE,
    "The default B2B ID is not of a form that this business may have: PAN@BCB, GSTIN@BCB, or for"
    " a sole proprietor AAAA.BBBB.CCCC.DDD@BCB.",
)
FURTHER_ID = Code(
    "ONBOARD-FURTHER-ID",
    Kind.RULE,
    "A further B2B ID is a default one with a dot and an ending of 2 to 5 capitals or digits, or"
    " for a branch its GSTIN@BCB.",
)
BRANCH = Code(
    "ONBOARD-BRANCH", Kind.RULE, "A branch's B2B ID names a GSTIN, and each GSTIN has one at most."
)
TWICE = Code("ONBOARD-TWICE", Kind.RULE, "The same identifier or B2B ID stands twice in one call.")
VERSION = Code("ONBOARD-VERSION", Kind.RULE, "A business registers as version 1 → 1.")
IDENTIFIER_UNKNOWN = Code(
    "ONBOARD-IDENTIFIER-UNKNOWN",
    Kind.RULE,
    "The business identifier of a further B2B ID is not registered for the entity.",
)
OTHER_OBJECT = Code(
    "ONBOARD-OTHER-OBJECT", Kind.RULE, "The objectId is not that of the requestor's entity."
)
ENTITY_EXISTS = Code(
    "ONBOARD-ENTITY-EXISTS",
    Kind.CONFLICT,
    "The PAN has an entity already, and only sole proprietors may have several.",
)
OBJECT_TAKEN = Code(
    "ONBOARD-OBJECT-TAKEN", Kind.CONFLICT, "The objectId belongs to a registered entity."
)
NOT_CHECKED = Code(
    "ONBOARD-NOT-CHECKED",
    Kind.CONFLICT,
    "Check the entity first: reg-check-entity with the same objectId, PAN and legal form.",
)
PENDING = Code(
    "ONBOARD-PENDING",
    Kind.CONFLICT,
    "A registration under this objectId waits for its ownership code.",
)
SEARCH_PARAMETER = Code(
    "ONBOARD-SEARCH-PARAMETER", Kind.RULE, "The network does not search by this parameter."
)
TOO_MANY = Code(
    "ONBOARD-TOO-MANY",
    Kind.RULE,
    "A call has 100 criteria, business identifiers or further B2B IDs at most; a business has 1,000 B2B IDs,"
    " and so many one search finds.",
)
NOTHING_FOUND = Code(
    "ONBOARD-NOTHING-FOUND",
    Kind.UNKNOWN,
    "No entity with a public B2B ID fits any criterion. Private IDs are never found.",
)
CODES = (
    PAN_FORM, GSTIN, DEFAULT_ID, FURTHER_ID, BRANCH, TWICE, VERSION, IDENTIFIER_UNKNOWN,
    OTHER_OBJECT, ENTITY_EXISTS, OBJECT_TAKEN, NOT_CHECKED, PENDING, SEARCH_PARAMETER,
    TOO_MANY, NOTHING_FOUND,
)  # fmt: skip

FORMS: Mapping[str, frozenset[str]] = {
    "P": frozenset({"SOLE PROP"}),
    "B": frozenset({"BOI"}),
    "A": frozenset({"AOP"}),
    "H": frozenset({"HUF"}),
    "C": frozenset({"COMPANY"}),
    "F": frozenset({"LLP", "PARTNERSHIP FIRM"}),
    "T": frozenset({"TRUST"}),
    "G": frozenset({"GOVERNMENT AGENCY", "GOVERNEMNT AGENCY"}),
    "L": frozenset({"LOCAL AUTHORITY"}),
    "J": frozenset({"AJP"}),
}
"""Legal forms by the fourth letter of the PAN."""

SEARCHED = ("PAN", "B2BID", "GSTIN", "UDYAM", "SHOP ESTABLISHMENT NUMBER", "TAN", "FSSAI")
MOST = 100
MOST_IDS = 1000
"""B2B IDs of one business, and in one answer: each search of somebody else is told all that are public."""
NO_CATEGORY = "0000"

_SUFFIX = "@BCB"
_ENDING = re.compile(r"(.+)\.[A-Z0-9]{2,5}@BCB")
_SOLE = re.compile(r"[A-Z0-9]{4}\.[A-Z0-9]{4}\.([0-9]{4})\.[0-9]{3}@BCB")


def is_sole(pan: str) -> bool:
    """Whether a PAN is a person's: it may stand behind several sole proprietorships."""
    return pan[3] == "P"


def level_of(*, category: str, owned: bool, documents: bool, account: bool) -> int:
    """How far a business is verified. `category` is its merchant category code, 0000 is none."""
    if not owned or category == NO_CATEGORY:
        return EXCHANGES
    return IS_PAID if documents and account else PAYS


def check_findings(body: CheckEntityBody) -> Iterator[Fault]:
    """Faults of an entity check that only its body can have."""
    asked = body.checkInstitute
    yield from _pan_form(asked.value, asked.type, "checkInstitute")


def registration_findings(body: RegisterEntityBody) -> Iterator[Fault]:
    """Faults of a registration that only its body can have."""
    one = body.institute
    yield from _pan_form(one.lei.value, one.lei.type, "institute.lei")
    if (one.objectVersion.currentVersion, one.objectVersion.newVersion) != (1, 1):
        detail = "A business registers as version 1. Send currentVersion 1 and newVersion 1."
        yield VERSION.at("institute.objectVersion", detail)
    yield from _too_many(one.identifiers, "institute.otherBusinessIdentifiers")
    yield from _identifiers(one)
    yield from _default_id(one)


def id_findings(body: RegisterIdBody) -> Iterator[Fault]:
    """Faults of a call for further B2B IDs that only its body can have."""
    yield from _too_many(body.regB2BIds.ids, "regB2BIds.ids")
    seen = Counter(one.value for one in body.regB2BIds.ids)
    for n, wanted in enumerate(body.regB2BIds.ids):
        path = f"regB2BIds.ids[{n}]"
        if seen[wanted.value] > 1:
            yield TWICE.at(f"{path}.value", f"{wanted.value} stands twice. Send it once.")
        yield from _branch(wanted, path)
        yield from _gstin_form(wanted.businessIdentifier, f"{path}.businessIdentifier")


def search_findings(body: SearchEntityBody) -> Iterator[Fault]:
    """Faults of a search that only its body can have."""
    criteria = body.search.criteria
    yield from _too_many(criteria, "search.criteria")
    for n, one in enumerate(criteria):
        if one.searchParameter not in SEARCHED:
            detail = f"{one.searchParameter} is nothing to search by. Use {', '.join(SEARCHED)}."
            path = f"search.criteria[{n}].searchParameter"
            yield SEARCH_PARAMETER.at(path, detail, portalCode="ONB0014")


def search_fault(ids: int) -> Fault | None:
    """Why a search that has found so many B2B IDs is answered with none."""
    if ids == 0:
        detail = "No entity with a public B2B ID fits any of the criteria. Check the values."
        return NOTHING_FOUND.at("search.criteria", detail)
    if ids > MOST_IDS:
        detail = f"The criteria find more than {MOST_IDS} B2B IDs. Send fewer of them in one call."
        return TOO_MANY.at("search.criteria", detail, most=MOST_IDS)
    return None


def _too_many(found: Sequence[object], path: str) -> Iterator[Fault]:
    if len(found) > MOST:
        yield TOO_MANY.at(path, f"These are {len(found)}. Send {MOST} at most in one call.")


def _pan_form(pan: str, form: str, path: str) -> Iterator[Fault]:
    known = FORMS.get(pan[3], frozenset())
    if form in known:
        return
    meant = f"stands for {' or '.join(sorted(known))}" if known else "stands for no legal form"
    detail = f"{pan[3]}, the fourth letter of {pan}, {meant}, not for {form}. Correct one of them."
    yield PAN_FORM.at(f"{path}.value", detail, portalCode="INP0004")


def _identifiers(one: Institute) -> Iterator[Fault]:
    seen = Counter(identifier.key for _, identifier in one.identifiers)
    states = {code for a in one.addresses if (code := state_code(a.state)) is not None}
    for where, identifier in one.identifiers:
        path = f"institute.{where}"
        if seen[identifier.key] > 1:
            detail = f"{identifier.documentName} {identifier.value} stands twice. Send it once."
            yield TWICE.at(f"{path}.value", detail)
        trouble = list(_gstin_form(identifier, path))
        yield from trouble
        if identifier.documentName == "GSTIN" and not trouble:
            primary = where == "primaryBusinessIdentifier"
            yield from _gstin_of(
                identifier.value, one.lei.value, states=states if primary else None, path=path
            )
            if not primary and not _proves_the_pan(one.primaryBusinessIdentifier):
                detail = (
                    f"{identifier.value} would be yours without proof: the code proves the primary"
                    " identifier. Make a GSTIN that holds your PAN the primary one."
                )
                yield GSTIN.at(f"{path}.value", detail)


def _proves_the_pan(primary: BusinessIdentifier) -> bool:
    """Whether who owns the primary identifier owns the PAN, and so its other GSTINs."""
    return primary.documentName == "GSTIN" and pan_inside(primary.value) is not None


def _gstin_form(identifier: BusinessIdentifier, path: str) -> Iterator[Fault]:
    if identifier.documentName == "GSTIN" and (trouble := gstin_fault(identifier.value)):
        yield GSTIN.at(f"{path}.value", trouble)


def _gstin_of(gstin: str, pan: str, *, states: set[str] | None, path: str) -> Iterator[Fault]:
    """A well-formed GSTIN against its owner; `states` are those of the addresses, None asks not."""
    inside = pan_inside(gstin)
    if inside is None:
        return  # forms for officials and foreigners hold no PAN and may name no state
    if inside != pan:
        detail = f"{gstin} holds the PAN {inside}, not {pan}. Correct one of them."
        yield GSTIN.at(f"{path}.value", detail)
    if states and gstin[:2] not in states:
        detail = (
            f"{gstin} is registered in the state with code {gstin[:2]}; the addresses lie in"
            f" {', '.join(sorted(states))}. Add the registered address, or correct the GSTIN."
        )
        yield GSTIN.at(f"{path}.value", detail)


def _default_id(one: Institute) -> Iterator[Fault]:
    pan, wanted = one.lei.value, one.defaultB2BId
    own = {pan, *(i.value for _, i in one.identifiers if i.documentName == "GSTIN")}
    if wanted in {f"{base}{_SUFFIX}" for base in own}:
        return
    sole = _SOLE.fullmatch(wanted)
    if sole and is_sole(pan) and sole[1] == pan[5:9]:
        return
    detail = f"{wanted} is no default ID for this business. Send {pan}@BCB"
    detail += f" or one such as NAME.OWNR.{pan[5:9]}.001@BCB." if is_sole(pan) else "."
    yield DEFAULT_ID.at("institute.defaultB2BId", detail)


def _branch(wanted: B2BIdRegistration, path: str) -> Iterator[Fault]:
    document = wanted.businessIdentifier.documentName
    if wanted.reason == "BRANCH" and document != "GSTIN":
        detail = f"A branch is known by its GSTIN, not by its {document}. Name the GSTIN."
        yield BRANCH.at(f"{path}.businessIdentifier.documentName", detail)


def registration_conflicts(one: Institute, known: Register) -> Iterator[Fault]:
    """What of a registration is taken. Asked at the call, and again when ownership is proved."""
    if known.object_taken:
        detail = f"{one.objectId} is a registered entity. Make a new objectId for a new one."
        yield OBJECT_TAKEN.at("institute.objectId", detail, portalCode="ONB0003")
    if known.pan_taken and not is_sole(one.lei.value):
        detail = (
            f"{one.lei.value} is on the network already, and a {one.lei.type} has one entity."
            " Go on with that one."
        )
        yield ENTITY_EXISTS.at("institute.lei.value", detail, portalCode="ONB0001")
    if one.defaultB2BId in known.b2b_ids:
        detail = f"{one.defaultB2BId} is taken. Choose another one."
        yield TAKEN.at("institute.defaultB2BId", detail, portalCode="ONB0004")
    for where, identifier in one.identifiers:
        if identifier.key in known.identifiers:
            detail = f"{identifier.documentName} {identifier.value} belongs to another entity."
            yield TAKEN.at(f"institute.{where}.value", detail, portalCode="ONB0005")


def id_conflicts(body: RegisterIdBody, known: Register, entity_id: str) -> Iterator[Fault]:
    """Which of the wanted further B2B IDs are taken, and which name another entity's identifier."""
    for n, wanted in enumerate(body.regB2BIds.ids):
        path, identifier = f"regB2BIds.ids[{n}]", wanted.businessIdentifier
        if wanted.value in known.b2b_ids:
            detail = f"{wanted.value} is taken. Choose another ending."
            yield TAKEN.at(f"{path}.value", detail, portalCode="ONB0008")
        if known.identifiers.get(identifier.key, entity_id) != entity_id:
            detail = f"{identifier.documentName} {identifier.value} belongs to another entity."
            where = f"{path}.businessIdentifier.value"
            yield TAKEN.at(where, detail, portalCode="ONB0010")


def further_findings(
    ids: Sequence[B2BIdRegistration],
    known: Register,
    *,
    own_ids: frozenset[str],
    branches: frozenset[str],
) -> Iterator[Fault]:
    """Faults of further B2B IDs against their entity.

    `own_ids` are the entity's B2B IDs, `branches` its GSTINs that have a branch's ID already.
    """
    if len(own_ids) + len(ids) > MOST_IDS:
        detail = (
            f"Your business has {len(own_ids)} B2B IDs and may have {MOST_IDS}. Ask for fewer, or keep"
            " those that you have."
        )
        yield TOO_MANY.at("regB2BIds.ids", detail, has=len(own_ids), most=MOST_IDS)
    bases = {one.removesuffix(_SUFFIX) for one in own_ids if not _extends(one, own_ids)}
    named: Counter[str] = Counter(branches)
    for n, wanted in enumerate(ids):
        path, identifier = f"regB2BIds.ids[{n}]", wanted.businessIdentifier
        if identifier.key not in known.identifiers:
            name = f"{identifier.documentName} {identifier.value}"
            detail = f"{name} is not registered for your entity. Name one that is."
            where = f"{path}.businessIdentifier.value"
            yield IDENTIFIER_UNKNOWN.at(where, detail, portalCode="ONB0009")
        if not _further(wanted, bases):
            allowed = ", ".join(f"{base}.MYS@BCB" for base in sorted(bases))
            detail = f"{wanted.value} extends no B2B ID of yours. Send one such as {allowed}."
            yield FURTHER_ID.at(f"{path}.value", detail)
        if wanted.reason == "BRANCH" and identifier.documentName == "GSTIN":
            named[identifier.value] += 1
            if named[identifier.value] > 1:
                detail = f"{identifier.value} has a branch's B2B ID already. Use that one."
                yield BRANCH.at(f"{path}.businessIdentifier.value", detail)


def _further(wanted: B2BIdRegistration, bases: Iterable[str]) -> bool:
    identifier = wanted.businessIdentifier
    if wanted.reason == "BRANCH" and wanted.value == f"{identifier.value}{_SUFFIX}":
        return identifier.documentName == "GSTIN"
    ended = _ENDING.fullmatch(wanted.value)
    return ended is not None and ended[1] in bases


def _extends(b2b_id: str, own_ids: frozenset[str]) -> bool:
    """Whether an ID is a further one of the same entity: those are not extended again."""
    ended = _ENDING.fullmatch(b2b_id)
    return ended is not None and f"{ended[1]}{_SUFFIX}" in own_ids
