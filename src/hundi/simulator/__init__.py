"""A counterparty's ERP: what a system behind a webhook endpoint does, and does wrong.

    hundi client add --name "Made-Up Yarn Mills" --endpoint http://127.0.0.1:9001 --json > mill.json
    hundi simulate --port 9001 --credentials mill.json --rules rules.json --state mill.db

It verifies signatures, keeps its answer together with its effect, gives every repeat of a webhook
the same bytes, undoes an exchange that ended without it, and says what it now believes about each
document: those that a message is about and those that it names with a change of their status. A fact
(a payment, say) is kept whatever is answered to it; where that is FAILURE it is kept as disputed.
Without rules every message is answered SUCCESS. Without `--state` it forgets on exit;
with it, effect and answer are on disk before the answer goes out.

Rules
=====

A rules file is a JSON list. The first rule that fits a webhook is used; none fits: `success`.

    [
      {"when": {"path": "*/req-send", "objectId": "PUR2*"},
       "do": {"answer": "decline", "code": "ERP-042", "detail": "Unknown item."}},
      {"when": {"kind": "req"}, "do": {"answer": "pending", "times": 2, "retryAfter": 1}},
      {"when": {}, "do": {"answer": "status", "status": 503, "retryAfter": 2}, "times": 3}
    ]

`when` takes any of: `path` and `objectId` (globs, `*` crosses slashes), `b2bId` (any party of the
message), `kind` (`req` for requests, `resp` for outcomes). `times` on a rule uses it up after that
many webhooks; uses are counted from the start, and anew when rules are replaced.

`do.answer` is one of:

    success                              take it in, answer SUCCESS
    decline   code, detail?, field?      answer FAILURE under 200, or under `status` 400 to 499
    pending   times?, retryAfter?        answer PENDING, `times` per message, then the next rule
    hold      seconds?                   keep the request open, undecided, until released
    delay     seconds                    take it in, answer that much later
    timeout                              never answer
    status    status, retryAfter?        answer that status without a decision
    malformed                            answer 200 with half a JSON document
    empty                                answer 200 with nothing
    redirect  to, status?                answer 307 (or another) with that location
    huge      bytes                      the right answer, then blanks up to that size
    reset                                the first half of the right answer, then a reset connection
    drip      seconds?                   the right answer, one byte each second (or `seconds`)
    down                                 a reset connection instead of an answer

`timeout`, `status`, `malformed`, `redirect` and `down` leave the message untouched, `empty` takes
it in; `"applied": true` or `false` in `do` says otherwise. `delay`, `huge`, `reset` and `drip` take
it in: only the answer is lost. A message that has its answer keeps it: the first four answers above
then give that one again and no rule is used up; the others still spoil how it travels.
To have connections refused, stop the process.

Control
=======

On the same port, from this machine only:

    GET  /simulator/            these calls
    GET  /simulator/received    every webhook in the order of arrival; ?after=N for the later ones
    GET  /simulator/documents   type, id, version and status of each document as this ERP holds it
    GET  /simulator/exchanges   how often each message's effect was applied, and what is undone
    PUT  /simulator/rules       replace the rules; the body is a rules file
    POST /simulator/release     answer what is held
    GET  /healthz

In a test without sockets use `hundi.simulator.erp.Erp` directly: it has no clock and no thread.
"""
