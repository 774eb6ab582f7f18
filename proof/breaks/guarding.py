"""Breaks of what keeps others out: tenants, signatures, egress, journals, bodies."""

from proof.breaks.breaking import END, Break, Edit
from proof.fuzzing.targets import TARGETS

_LINK = "parts += (_length(len(digest)), digest)"
_SHOWN = "f\" and ({visibility.EXCHANGE} or {visibility.OWN_CALL.format(client='$3')})\""
POLLS = ("calls that waited for events while their token was revoked", "of them answered otherwise")

BREAKS = (
    Break(
        name="one query leaves the tenant out",
        edits=(
            Edit("exchange/deliveries.py", _SHOWN, '""'),
        ),
        part="tenants", finds=("wrong answers", "answers that show what is another's"),
    ),
    Break(
        name="a history names exchanges between others",
        edits=(Edit("exchange/history.py", "{visibility.EXCHANGE} as seen", "(1 = 1) as seen"),),
        part="tenants", finds=("answers that show what is another's",),
    ),
    Break(
        name="anybody may send as anybody",
        edits=(
            Edit("exchange/judge.py", "if sender is None or sender.client_id != request.client_id:", "if sender is None:"),
        ),
        part="tenants", finds=("wrong answers",),
        beside=("tables that differ", "answers that show what is another's"),
    ),
    Break(
        name="half of a signature is compared",
        edits=(Edit("kernel/signature.py", "hmac.compare_digest(expected, signature)", "hmac.compare_digest(expected[:24], signature[:24])"),),
        part="signatures", finds=("changed messages that we believed",),
    ),
    Break(
        name="a signature is believed for 400 s",
        edits=(Edit("kernel/signature.py", "tolerance_seconds: int = 300", "tolerance_seconds: int = 400"),),
        part="signatures", finds=("wrong about 299 s or 301 s",),
    ),
    Break(
        name="the secret before signs no more",
        edits=(
            Edit("delivery/parcels.py", 'if row["previous_secret"] is not None and', "if False and"),
        ),
        part="signatures", finds=("webhooks with two signatures missing", "failed checks"),
        beside=("secrets changed under load",),
    ),
    Break(
        name="a token is believed for eight seconds",
        edits=(Edit("parties/tokens.py", "REMEMBERED = 5 * SECOND", "REMEMBERED = 8 * SECOND"),),
        part="access", finds=("the longest until every server refuses",),
        beside=("reads taken of a client", END, *POLLS),
    ),
    Break(
        name="who waits is not asked again",
        edits=(Edit("web/network.py", "                await _still_admitted(request)\n", ""),),
        part="access", finds=POLLS,
        beside=("reads of the other client",),
    ),
    Break(
        name="who guesses does not wait",
        edits=(Edit("parties/guard.py", 'row["blocked_until"] - tx.now for', "0 for"),),
        part="access", finds=("guesses answered otherwise",),
        beside=("guesses that had to wait", "waits without Retry-After", "true secrets taken"),
    ),
    Break(
        name="carriers' shared addresses may be called",
        edits=(
            Edit("delivery/egress.py", '        ("100.64.0.0/10", "a shared (carrier-grade NAT) address"),\n', ""),
        ),
        part="egress", finds=("attempts not refused that had to be", "sockets for addresses"),
    ),
    Break(
        name="an IPv4 address in an IPv6 one may be called",
        edits=(
            Edit("delivery/egress.py", '        ("::ffff:0:0/96", "an IPv4 address written as IPv6"),\n', ""),
            Edit("delivery/egress.py", "return None if known in _GLOBAL_IPV6 else", "return None if known else"),
        ),
        part="egress", finds=("attempts not refused that had to be", "sockets for addresses"),
    ),
    Break(
        name="nobody looks at the address that is connected to",
        edits=(
            Edit("delivery/egress.py", "reason = self.address_refused(str(address[0]))", "reason = None"),
        ),
        part="egress", finds=("attempts not refused that had to be", "sockets for addresses"),
    ),
    Break(
        name="a row's hash leaves its digest out",
        edits=(Edit("exchange/journal.py", _LINK, "pass"),),
        part="tampering", finds=("that were not found",),
    ),
    Break(
        name="the end of a journal is not compared with its document",
        edits=(
            Edit("exchange/journal.py", "if last != head_sequence:", "if False:"),
            Edit("exchange/journal.py", "if self._previous != head_hash:", "if False:"),
        ),
        part="tampering", finds=("that were not found",),
    ),
    Break(
        name="of two members of one name the last counts",
        edits=(
            Edit("kernel/parsing.py", "    if len(members) != len(pairs):\n        raise _OddError\n", ""),
        ),
        part="torture", finds=("wrong answers", "documents that came of them"),
        beside=("the order itself refused", "slowest answer"),
    ),
    Break(
        name="a PAN is written as it is",
        edits=(Edit("observing/masking.py", 'r"|(?P<pan>[A-Z]{4}[A-Z0-9][0-9]{4}[A-Z])"', 'r"|(?P<pan>[A-Z]{4}[A-Z0-9][0-9]{4}!)"'),),
        part="leaks", finds=("log lines with a secret in clear",), beside=("spans with a secret",),
    ),
    Break(
        name="UTF-16 is read, too",
        edits=(
            Edit("kernel/parsing.py", "text = raw.decode()\n        large",
                 "raw = raw.decode(json.detect_encoding(raw)).encode()\n        text = raw.decode()\n        large"),
        ),
        part="torture", finds=("wrong answers",), beside=("slowest answer",),
    ),
    Break(
        name="a missing token is an error of ours",
        edits=(
            Edit("web/network.py", "    if client_id is None:\n        raise RefusedError", "    if client_id is None:\n        raise KeyError"),
        ),
        part="schema", finds=("answers of 5xx",),
        beside=("kinds of answers", "of them answered in another way", "cases"),
    ),
    Break(
        name="what is no JSON is not caught",
        edits=(
            Edit("kernel/parsing.py", "except (ValueError, RecursionError, _OddError):", "except (RecursionError, _OddError):"),
        ),
        part="fuzz", finds=("inputs that broke a promise",),
        beside=("targets that got anywhere", *(f"{one.name}: broken" for one in TARGETS)),
    ),
)  # fmt: skip
