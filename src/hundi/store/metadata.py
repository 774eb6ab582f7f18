"""The one catalogue of tables; every `tables` module adds its own to it."""

import sqlalchemy as sa

metadata = sa.MetaData()
