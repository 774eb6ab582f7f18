"""Alembic's environment: runs on the connection that `hundi.store.migrate` hands over."""

from alembic import context

from hundi.store.metadata import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
