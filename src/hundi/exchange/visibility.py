"""Who may see what: the tenant scope of every read, as SQL conditions over one list of entities.

`$1` is always the list of entities that the asking client serves. A document is its author's; its
counterparty sees it, and what is in it, from the moment an attempt may have brought it there. An
attempt's row is written before the first byte goes out and says "reached" until its end says
otherwise, so a crash cannot make anything invisible that was seen.
"""

REACHED = (
    "((x.mailbox and x.state = 'SETTLED')"
    " or exists (select 1 from attempt t where t.webhook_id = x.req_msg_id and t.reached))"
)
"""Whether the exchange `x` may have reached its receiver. A mailbox holds what comes at once, but for
what waits for its leader: that is open, and given up it never came."""

_TOOK_EFFECT = (
    "(x.effect = 'FACT' and exists (select 1 from delivery q where q.webhook_id = x.req_msg_id))"
)
CAME = f"({REACHED} or {_TOOK_EFFECT})"
"""Whether the receiver of the exchange `x` may know of it."""

_MINE = "in (select i.b2b_id from b2b_id i where i.entity_id = any($1::text[]))"

OWN_CALL = "(x.receiver_b2b = '' and x.client_id = {client})"
"""Whether the exchange `x` is a call without a counterparty, made by the client: onboarding."""

SENT_BY_ME = f"(x.sender_b2b {_MINE})"
"""Whether the exchange `x` was sent for one of the entities."""

EXCHANGE = f"({SENT_BY_ME} or (x.receiver_b2b {_MINE} and {CAME}))"
"""Whether the exchange `x` may be seen."""

# As `moves` are written: the key comes first, and one id may stand in another one.
_MOVED = (
    '\'{"author_entity":"\' || d.author_entity || \'","type":"\' || d.type || \'","object_id":"\' || '
    r"""replace(replace(d.object_id, '\', '\\'), '"', '\"')"""
    " || '\",'"
)
BRINGS = '(x.moves like \'%"version":"FIRST"%\' or x.moves like \'%"version":"NEXT"%\')'
"""Whether the exchange `x` has brought some document's content: which, its moves tell."""
BROUGHT = (
    "exists (select 1 from journal j join exchange x on x.req_msg_id = j.req_msg_id"
    " where j.author_entity = d.author_entity and j.type = d.type and j.object_id = d.object_id"
    f" and j.step = 'ACCEPTED' and {BRINGS} and strpos(x.moves, {_MOVED}) > 0 and {REACHED})"
)
"""Whether an attempt may have brought the document `d` to its counterparty, whatever came of it.

What brings it has its content: a note that names it does not, nor does its withdrawal."""

RECEIVED = f"(d.highest_version > 0 or {BROUGHT})"
"""Whether the counterparty of the document `d` may see it."""

DOCUMENT = (
    "(d.author_entity = any($1::text[])"
    f" or (d.counterparty_entity = any($1::text[]) and {RECEIVED}))"
)
"""Whether the document `d` may be seen."""

CONTENT = (
    "(d.author_entity = any($1::text[])"
    f" or exists (select 1 from exchange x where x.req_msg_id = d.body_id and {EXCHANGE}))"
)
"""Whether what the document `d` holds now may be seen: a repeated `req-send` that has not left yet
has changed the document already, and only its author may know."""
