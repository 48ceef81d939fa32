"""Results that were worked out anew keep what they replaced; an outcome knows what of the log it was worked out from."""

from alembic import op

revision = "0010_late_answers"
down_revision = "0009_practice_pool"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE scoring.superseded (
            sitting_id bigint NOT NULL,
            revision int NOT NULL,
            result jsonb NOT NULL,
            cause text NOT NULL,
            superseded_at bigint NOT NULL,
            PRIMARY KEY (sitting_id, revision)
        )""")
    op.execute("""
        COMMENT ON COLUMN scoring.superseded.result IS
            'the row of scoring.result as it was until then; revisions count from 1'""")
    op.execute("ALTER TABLE exam_server.outcome ADD COLUMN marked_version int NOT NULL DEFAULT 0")
    op.execute("""
        COMMENT ON COLUMN exam_server.outcome.marked_version IS
            'the newest row of the log that the result was worked out from'""")


def downgrade() -> None:
    op.execute("ALTER TABLE exam_server.outcome DROP COLUMN marked_version")
    op.execute("DROP TABLE scoring.superseded")
