"""Practice apart from accreditation: its sittings need no booking, its results stand in a table of their own."""

from alembic import op

revision = "0012_practice_results"
down_revision = "0011_forms"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE exam_server.sitting ADD COLUMN practice boolean NOT NULL DEFAULT false")
    op.execute("""
        UPDATE exam_server.sitting s SET practice = true FROM question_bank.blueprint b
        WHERE b.id = s.blueprint_id AND b.version = s.blueprint_version AND b.content ->> 'practice' = 'true'
    """)
    op.execute("ALTER TABLE exam_server.sitting ALTER COLUMN booking_id DROP NOT NULL")
    op.execute("ALTER TABLE exam_server.sitting ADD CONSTRAINT exams_are_booked CHECK (practice OR booking_id IS NOT NULL)")
    op.execute("""
        CREATE INDEX sitting_practice ON exam_server.sitting (candidate) WHERE practice AND next_deadline IS NOT NULL
    """)
    op.execute("""
        CREATE TABLE scoring.practice_result (
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
            decided_at bigint NOT NULL
        )
    """)
    op.execute("CREATE INDEX practice_result_person ON scoring.practice_result (person_id, sitting_id)")
    op.execute("""
        WITH moved AS (
            DELETE FROM scoring.result r USING exam_server.sitting s WHERE s.id = r.sitting_id AND s.practice
            RETURNING r.*)
        INSERT INTO scoring.practice_result
        SELECT sitting_id, person_id, blueprint_id, blueprint_version, algorithm, raw_num, raw_den, maximum, cut,
               passed, marks, advice, decided_at FROM moved
    """)
    op.execute("DELETE FROM exam_server.outcome o USING exam_server.sitting s WHERE s.id = o.sitting_id AND s.practice")
    op.execute("""
        CREATE FUNCTION exam_server.refuse_practice() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT FROM exam_server.sitting WHERE id = NEW.sitting_id AND practice) THEN
                RAISE EXCEPTION 'practice has no outcome';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER practice_stays_apart BEFORE INSERT ON exam_server.outcome
        FOR EACH ROW EXECUTE FUNCTION exam_server.refuse_practice()
    """)


def downgrade() -> None:
    op.execute("DROP TRIGGER practice_stays_apart ON exam_server.outcome")
    op.execute("DROP FUNCTION exam_server.refuse_practice")
    op.execute("DROP TABLE scoring.practice_result")
    op.execute("DROP INDEX exam_server.sitting_practice")
    op.execute("ALTER TABLE exam_server.sitting DROP CONSTRAINT exams_are_booked")
    op.execute("DELETE FROM exam_server.sitting WHERE booking_id IS NULL")
    op.execute("ALTER TABLE exam_server.sitting ALTER COLUMN booking_id SET NOT NULL")
    op.execute("ALTER TABLE exam_server.sitting DROP COLUMN practice")
