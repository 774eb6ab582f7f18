"""What a database's tables are, in lines that can be compared: columns, defaults, checks, indexes.

Alembic's own comparison passes over the rows that an index is of, over defaults and over checks. What
may differ is left out: the order of columns and of constraints, and how an ALTER has spelt them.
"""

import re

import sqlalchemy as sa

from hundi.store.metadata import metadata

_POSTGRES = """
select concat_ws(' ', 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
    case when a.attnotnull then 'not null' end, 'default ' || pg_get_expr(d.adbin, d.adrelid),
    nullif(a.attidentity, '')) as line
  from pg_attribute a join pg_class c on c.oid = a.attrelid
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attnum > 0 and not a.attisdropped and c.relkind = 'r'
    and c.relnamespace = 'public'::regnamespace
union all select concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid))
  from pg_constraint where connamespace = 'public'::regnamespace
union all select concat_ws(' ', pg_get_indexdef(i.indexrelid), case when not indisvalid then 'INVALID' end)
  from pg_index i join pg_class c on c.oid = i.indexrelid
  where c.relnamespace = 'public'::regnamespace
union all select concat_ws(' ', c.relname, c.relkind, c.reloptions) from pg_class c
  where c.relkind in ('r', 'S', 'v', 'm') and c.relnamespace = 'public'::regnamespace
union all select pg_get_triggerdef(t.oid) from pg_trigger t where not tgisinternal
"""
_SQLITE = "select type, name, sql from sqlite_master where sql is not null"


def shape(connection: sa.Connection) -> set[str]:
    """A line for each column, constraint and index there is, but for Alembic's own."""
    if connection.dialect.name == "postgresql":
        lines = {row.line for row in connection.execute(sa.text(_POSTGRES))}
    else:
        lines = {
            f"{row.name}: {part}"
            for row in connection.execute(sa.text(_SQLITE))
            for part in _parts(row.sql, of_table=row.type == "table")
        }
    return {line for line in lines if "alembic_version" not in line}


def declared(connection: sa.Connection) -> set[str]:
    """The lines of what the code declares, made in an empty database."""
    metadata.create_all(connection)
    return shape(connection)


def _parts(sql: str, *, of_table: bool) -> list[str]:
    """What stands in a statement's brackets, part by part; an index is one part."""
    text = " ".join(sql.replace('"', "").split())
    if not of_table:
        return [text]
    inside = text[text.index("(") + 1 : text.rindex(")")]
    parts, depth = [""], 0
    for letter in inside:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    after = text[text.rindex(")") + 1 :].strip()
    # An ALTER has to give a name to what has none.
    return [re.sub(r"^CONSTRAINT \w+ UNIQUE", "UNIQUE", one.strip()) for one in (*parts, after)]
