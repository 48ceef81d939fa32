"""Fixed forms, the searches that found them, and windows that give one to everybody."""

from alembic import op

revision = "0024_fixed_forms"
down_revision = "0023_likeness"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE question_bank.form_build (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            blueprint_id text NOT NULL,
            blueprint_version int NOT NULL,
            ordered jsonb NOT NULL,
            snapshot text NOT NULL REFERENCES question_bank.snapshot,
            state text NOT NULL CHECK (state IN ('running', 'done', 'failed', 'cancelled')),
            stop_asked boolean NOT NULL DEFAULT false,
            begun_by bigint,
            begun_at bigint NOT NULL,
            told_at bigint NOT NULL,
            progress jsonb,
            message text NOT NULL DEFAULT '',
            sample int NOT NULL DEFAULT 0,
            deviation double precision,
            bound double precision,
            ending text NOT NULL DEFAULT '',
            solver text NOT NULL DEFAULT '',
            report jsonb,
            forms text[] NOT NULL DEFAULT '{}',
            FOREIGN KEY (blueprint_id, blueprint_version) REFERENCES question_bank.blueprint
        )""")
    op.execute("""
        COMMENT ON COLUMN question_bank.form_build.deviation IS
            'The largest of all forms from what a form should come to at the cut, in tolerances of a drawn form'""")
    op.execute("""
        CREATE TABLE question_bank.fixed_form (
            digest text PRIMARY KEY CHECK (digest ~ '^[0-9a-f]{64}$'),
            build_id bigint NOT NULL REFERENCES question_bank.form_build,
            blueprint_id text NOT NULL,
            blueprint_version int NOT NULL,
            places jsonb NOT NULL,
            kept_at bigint NOT NULL,
            FOREIGN KEY (blueprint_id, blueprint_version) REFERENCES question_bank.blueprint
        )""")
    op.execute("""
        COMMENT ON COLUMN question_bank.fixed_form.places IS 'Items by id, with version, points and section'""")
    op.execute("""ALTER TABLE exam_server."window" ADD COLUMN fixed_form text""")
    op.execute("""
        COMMENT ON COLUMN exam_server."window".fixed_form IS
            'Digest of the form that everybody is given, in an order of their own; NULL: each is drawn'""")


def downgrade() -> None:
    op.execute("""ALTER TABLE exam_server."window" DROP COLUMN fixed_form""")
    op.execute("DROP TABLE question_bank.fixed_form")
    op.execute("DROP TABLE question_bank.form_build")
