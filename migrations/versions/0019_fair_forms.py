"""What is known of items for drawing fair forms: calibrations, to how many forms they are open, how often they were seen."""

from alembic import op

revision = "0019_fair_forms"
down_revision = "0018_workflow"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE question_bank.calibration (
            item_id text NOT NULL,
            version int NOT NULL,
            a double precision NOT NULL CHECK (a > 0 AND a <= 10),
            b double precision NOT NULL CHECK (b BETWEEN -12 AND 12),
            a_error double precision CHECK (a_error >= 0),
            b_error double precision CHECK (b_error >= 0),
            sample int NOT NULL CHECK (sample > 0),
            source text NOT NULL,
            calibrated_at bigint NOT NULL,
            PRIMARY KEY (item_id, version, calibrated_at),
            FOREIGN KEY (item_id, version) REFERENCES question_bank.item_version
        )""")
    op.execute("""
        COMMENT ON TABLE question_bank.calibration IS
            'Slope a (1: Rasch) and location b of a version in logits, from the responses of so many; the newest holds'""")
    op.execute("ALTER TABLE question_bank.snapshot ADD COLUMN packed bytea")
    op.execute("ALTER TABLE question_bank.snapshot ALTER COLUMN items DROP NOT NULL")
    op.execute("ALTER TABLE question_bank.snapshot ADD CHECK (items IS NOT NULL OR packed IS NOT NULL)")
    op.execute("""
        COMMENT ON COLUMN question_bank.snapshot.packed IS
            'The pool by columns as JSON, deflated; see question_bank.snapshots. Older ones stand in items'""")
    op.execute("""
        CREATE TABLE question_bank.exposure_control (
            blueprint_id text PRIMARY KEY,
            round int NOT NULL CHECK (round > 0),
            forms bigint NOT NULL CHECK (forms >= 0),
            controlled_at bigint NOT NULL
        )""")
    op.execute("""
        COMMENT ON TABLE question_bank.exposure_control IS
            'After how many forms of an exam it was last worked out to what share of them its items are open'""")
    op.execute("""
        CREATE TABLE question_bank.openness (
            blueprint_id text NOT NULL REFERENCES question_bank.exposure_control,
            item_id text NOT NULL,
            share int NOT NULL CHECK (share BETWEEN 0 AND 1000000),
            was_open bigint NOT NULL CHECK (was_open >= 0),
            PRIMARY KEY (blueprint_id, item_id)
        )""")
    op.execute("ALTER TABLE exam_server.form ADD COLUMN seen boolean[]")
    op.execute("""
        COMMENT ON COLUMN exam_server.form.seen IS 'Which items were shown, in their order; NULL until the end is counted'""")
    op.execute("CREATE INDEX form_uncounted ON exam_server.form (sitting_id) WHERE seen IS NULL")
    op.execute("""
        CREATE TABLE exam_server.exposure (
            window_id bigint NOT NULL REFERENCES exam_server."window",
            item_id text NOT NULL,
            drawn int NOT NULL CHECK (drawn > 0),
            seen int NOT NULL CHECK (seen BETWEEN 0 AND drawn),
            PRIMARY KEY (window_id, item_id)
        )""")
    op.execute("CREATE INDEX exposure_item ON exam_server.exposure (item_id)")
    op.execute("""
        COMMENT ON TABLE exam_server.exposure IS
            'On how many forms of ended sittings an item stood, and to how many candidates it was shown; practice apart'""")


def downgrade() -> None:
    op.execute("DROP TABLE exam_server.exposure")
    op.execute("ALTER TABLE exam_server.form DROP COLUMN seen")
    for table in ("openness", "exposure_control", "calibration"):
        op.execute(f"DROP TABLE question_bank.{table}")
    op.execute("DELETE FROM question_bank.snapshot WHERE items IS NULL")
    op.execute("ALTER TABLE question_bank.snapshot ALTER COLUMN items SET NOT NULL")
    op.execute("ALTER TABLE question_bank.snapshot DROP COLUMN packed")
