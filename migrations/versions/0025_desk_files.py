"""Files that wait at the desk to be brought into the bank, and those that are written there to be taken away."""

from alembic import op

revision = "0025_desk_files"
down_revision = "0024_fixed_forms"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE question_bank.import_file (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            name text NOT NULL,
            kept_as text NOT NULL UNIQUE,
            size bigint NOT NULL,
            brought_by bigint NOT NULL,
            brought_at bigint NOT NULL,
            gone_at bigint
        )""")
    op.execute("COMMENT ON COLUMN question_bank.import_file.kept_as IS 'Its name in the folder of the desk'")
    op.execute("COMMENT ON COLUMN question_bank.import_file.gone_at IS 'When the file was removed, not this row'")
    op.execute("CREATE INDEX import_file_here ON question_bank.import_file (id) WHERE gone_at IS NULL")
    op.execute("""
        ALTER TABLE question_bank.import_batch
            ADD COLUMN file_id bigint REFERENCES question_bank.import_file,
            ADD COLUMN unknown_requirement text NOT NULL DEFAULT 'reject'
                CHECK (unknown_requirement IN ('reject', 'default'))""")
    op.execute("""
        CREATE UNIQUE INDEX import_batch_one ON question_bank.import_batch (file_id) WHERE state = 'running'""")
    op.execute("CREATE INDEX import_batch_file ON question_bank.import_batch (file_id, id)")
    op.execute("CREATE INDEX history_done_at ON question_bank.history USING brin (done_at)")
    op.execute("""
        CREATE TABLE question_bank.export_run (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            format text NOT NULL,
            query text NOT NULL,
            version_state text,
            kept_as text NOT NULL UNIQUE,
            state text NOT NULL DEFAULT 'running'
                CHECK (state IN ('running', 'done', 'failed', 'cancelled', 'interrupted')),
            cancel_asked boolean NOT NULL DEFAULT false,
            total int NOT NULL,
            written int NOT NULL DEFAULT 0,
            left_out int NOT NULL DEFAULT 0,
            remarks jsonb NOT NULL DEFAULT '{}',
            told jsonb NOT NULL DEFAULT '[]',
            size bigint NOT NULL DEFAULT 0,
            reason text NOT NULL DEFAULT '',
            done_by bigint NOT NULL,
            started_at bigint NOT NULL,
            told_at bigint NOT NULL,
            ended_at bigint,
            gone_at bigint
        )""")
    op.execute("COMMENT ON COLUMN question_bank.export_run.query IS 'What was asked of the list, as in its address'")
    op.execute("COMMENT ON COLUMN question_bank.export_run.told IS 'The first items of which there is something to tell'")
    op.execute("CREATE INDEX export_run_running ON question_bank.export_run (id) WHERE state = 'running'")


def downgrade() -> None:
    op.execute("DROP TABLE question_bank.export_run")
    op.execute("DROP INDEX question_bank.history_done_at")
    op.execute("DROP INDEX question_bank.import_batch_file")
    op.execute("DROP INDEX question_bank.import_batch_one")
    op.execute("ALTER TABLE question_bank.import_batch DROP COLUMN file_id, DROP COLUMN unknown_requirement")
    op.execute("DROP TABLE question_bank.import_file")
