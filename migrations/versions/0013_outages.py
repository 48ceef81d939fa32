"""Beats of processes that can commit, and the outages that their gaps prove."""

from alembic import op

revision = "0013_outages"
down_revision = "0012_practice_results"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE exam_server.beat (node text PRIMARY KEY, at bigint NOT NULL)")
    op.execute("COMMENT ON TABLE exam_server.beat IS 'When a process could last commit, by the clock of the database'")
    op.execute("""
        CREATE TABLE exam_server.outage (
            began_at bigint PRIMARY KEY,
            ended_at bigint NOT NULL CHECK (ended_at > began_at),
            applied_at bigint,
            EXCLUDE USING gist (int8range(began_at, ended_at) WITH &&)
        )""")
    op.execute("""
        COMMENT ON COLUMN exam_server.outage.applied_at IS
            'When the last sitting that was running had its time back; those that are held have it at once'
    """)


def downgrade() -> None:
    op.execute("DROP TABLE exam_server.outage")
    op.execute("DROP TABLE exam_server.beat")
