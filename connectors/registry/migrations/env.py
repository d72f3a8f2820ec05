"""Run by alembic: migrates over the connection that `connectors.registry.migrate` hands in."""

from __future__ import annotations

from alembic import context

from connectors.registry.migrate import VERSION_TABLE
from connectors.registry.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,  # SQLite can, as long as the driver does not commit by itself
)
with context.begin_transaction():
    context.run_migrations()
