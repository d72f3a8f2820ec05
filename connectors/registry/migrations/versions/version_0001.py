"""The registry's first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TIME = sa.DateTime(timezone=True)

_APPEND_ONLY = {
    "sqlite": (
        """CREATE TRIGGER journal_refuses_update BEFORE UPDATE ON journal
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END""",
        """CREATE TRIGGER journal_refuses_delete BEFORE DELETE ON journal
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END""",
        # INSERT OR REPLACE deletes without asking the trigger above unless its connection wants that.
        """CREATE TRIGGER journal_refuses_replace BEFORE INSERT ON journal
        WHEN EXISTS (SELECT 1 FROM journal WHERE seq = NEW.seq OR (stream = NEW.stream AND position = NEW.position))
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END""",
    ),
    "postgresql": (
        """CREATE FUNCTION journal_refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'the journal is append-only' USING ERRCODE = 'restrict_violation'; END $$""",
        """CREATE TRIGGER journal_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
        FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse()""",
        # Also for a session that plays a replica, where ordinary triggers sleep.
        "ALTER TABLE journal ENABLE ALWAYS TRIGGER journal_refuses_change",
    ),
}


def upgrade() -> None:
    """Make the tables, and have the database itself refuse changes to the journal."""
    op.create_table(
        "journal",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("stream", _ID, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.UniqueConstraint("stream", "position", name="journal_stream_position"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "receipt",
        sa.Column("stream", _ID, primary_key=True),
        sa.Column("tenant", _ID, nullable=False),
        sa.Column("state", _ID, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("head", sa.Text, nullable=False),
        sa.Column("received_at", _TIME, nullable=False),
        sa.Column("summary", sa.JSON, nullable=False),
        sa.Column("arrivals", sa.JSON, nullable=False),
        sa.Column("unsettled", sa.JSON, nullable=False),
    )
    op.create_index("receipt_state", "receipt", ["state", "stream"])
    op.create_index("receipt_tenant", "receipt", ["tenant", "stream"])
    op.create_table(
        "arrival",
        sa.Column("source", _ID, primary_key=True),
        sa.Column("key", _ID, primary_key=True),
        sa.Column("stream", _ID, sa.ForeignKey("receipt.stream", name="arrival_stream"), nullable=False),
        sa.Column("is_unsettled", sa.Boolean, nullable=False),
    )
    op.create_index("arrival_receipt", "arrival", ["stream"])
    op.create_index("arrival_unsettled", "arrival", ["source", "is_unsettled"])
    op.create_table(
        "claim",
        sa.Column("stream", _ID, primary_key=True),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("lease_until", _TIME),
        sa.Column("not_before", _TIME),
        sa.Column("owner", sa.Text),
    )
    for statement in _APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """Refused: it would destroy the journal."""
    raise RuntimeError("the registry's first tables are never taken down")
