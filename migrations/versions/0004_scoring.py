"""Results of sittings."""

from alembic import op

revision = "0004_scoring"
down_revision = "0003_proctoring"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA scoring")
    op.execute("""
        CREATE TABLE scoring.result (
            sitting_id bigint PRIMARY KEY,
            person_id bigint NOT NULL,
            blueprint_id text NOT NULL,
            blueprint_version int NOT NULL,
            algorithm text NOT NULL,
            raw_num bigint NOT NULL CHECK (raw_num >= 0),
            raw_den bigint NOT NULL CHECK (raw_den > 0),
            maximum int NOT NULL CHECK (maximum > 0),
            cut int NOT NULL CHECK (cut BETWEEN 1 AND 100),
            passed boolean NOT NULL,
            marks jsonb NOT NULL,
            advice jsonb NOT NULL,
            retake_on date,
            decided_at bigint NOT NULL,
            confirmed_at bigint,
            protocol_id bigint,
            CHECK (raw_num <= raw_den * maximum),
            CHECK (passed = (100 * raw_num >= cut * maximum * raw_den)),
            CHECK (protocol_id IS NULL OR confirmed_at IS NOT NULL)
        )
    """)
    op.execute("""
        COMMENT ON COLUMN scoring.result.confirmed_at IS
            'NULL while the result is preliminary; protocol_id is NULL where it was confirmed by itself'
    """)
    op.execute("CREATE INDEX result_person ON scoring.result (person_id, decided_at)")
    op.execute("CREATE INDEX result_preliminary ON scoring.result (decided_at) WHERE confirmed_at IS NULL")


def downgrade() -> None:
    op.execute("DROP SCHEMA scoring CASCADE")
