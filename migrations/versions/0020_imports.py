"""Files brought in: what came of each, line by line, what was rejected as it stood; contents that the bank has already."""

from alembic import op

revision = "0020_imports"
down_revision = "0019_fair_forms"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE question_bank.import_batch (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            file_name text NOT NULL,
            format text NOT NULL,
            size bigint NOT NULL,
            dry boolean NOT NULL,
            state text NOT NULL DEFAULT 'running'
                CHECK (state IN ('running', 'done', 'failed', 'cancelled', 'interrupted')),
            defaults jsonb NOT NULL,
            counts jsonb NOT NULL DEFAULT '{}',
            reason text NOT NULL DEFAULT '',
            done_by bigint,
            started_at bigint NOT NULL,
            ended_at bigint,
            cancel_asked boolean NOT NULL DEFAULT false
        )""")
    op.execute("COMMENT ON COLUMN question_bank.import_batch.dry IS 'Read and judged only: nothing was to be kept'")
    op.execute("COMMENT ON COLUMN question_bank.import_batch.counts IS 'By fate, and of the rejected by reason'")
    op.execute("COMMENT ON COLUMN question_bank.import_batch.reason IS 'Why it failed, for people'")
    op.execute("CREATE INDEX import_batch_running ON question_bank.import_batch (id) WHERE state = 'running'")
    op.execute("""
        CREATE TABLE question_bank.import_line (
            batch_id bigint NOT NULL REFERENCES question_bank.import_batch ON DELETE CASCADE,
            number int NOT NULL,
            place int NOT NULL,
            member text NOT NULL,
            line int,
            identifier text NOT NULL,
            item_id text NOT NULL,
            fate text NOT NULL CHECK (fate IN ('new', 'changed', 'unchanged', 'duplicate', 'rejected')),
            weight text NOT NULL CHECK (weight IN ('note', 'loss', 'fault', 'rejection')),
            code text NOT NULL,
            sentence text NOT NULL,
            PRIMARY KEY (batch_id, number)
        )""")
    op.execute("COMMENT ON TABLE question_bank.import_line IS 'One thing to know about one item of a file'")
    op.execute("COMMENT ON COLUMN question_bank.import_line.place IS 'Which item of the file it is about, from 1'")
    op.execute("COMMENT ON COLUMN question_bank.import_line.item_id IS 'The item in the bank, or empty'")
    op.execute("""
        CREATE TABLE question_bank.import_original (
            batch_id bigint NOT NULL REFERENCES question_bank.import_batch ON DELETE CASCADE,
            place int NOT NULL,
            media_type text NOT NULL,
            whole boolean NOT NULL,
            original bytea NOT NULL,
            PRIMARY KEY (batch_id, place)
        )""")
    op.execute("COMMENT ON TABLE question_bank.import_original IS 'Rejected items as they stood in their files'")
    op.execute("""
        CREATE TABLE question_bank.item_digest (
            item_id text NOT NULL,
            version int NOT NULL,
            digest bytea NOT NULL,
            PRIMARY KEY (item_id, version),
            FOREIGN KEY (item_id, version) REFERENCES question_bank.item_version
        )""")
    op.execute("CREATE INDEX item_digest_digest ON question_bank.item_digest (digest)")
    op.execute("""
        COMMENT ON TABLE question_bank.item_digest IS
            'Of what an item asks and which answer is right; versions that are not here yet are added before an import'""")
    op.execute("ALTER TABLE question_bank.enemy ALTER COLUMN declared_by DROP NOT NULL")
    op.execute("COMMENT ON COLUMN question_bank.enemy.declared_by IS 'NULL: they came with the bank'")
    op.execute("CREATE INDEX asset_sha256 ON question_bank.asset (sha256)")


def downgrade() -> None:
    op.execute("DROP INDEX question_bank.asset_sha256")
    op.execute("DELETE FROM question_bank.enemy WHERE declared_by IS NULL")
    op.execute("ALTER TABLE question_bank.enemy ALTER COLUMN declared_by SET NOT NULL")
    for table in ("item_digest", "import_original", "import_line", "import_batch"):
        op.execute(f"DROP TABLE question_bank.{table}")
