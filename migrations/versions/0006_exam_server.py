"""Windows, bookings, admission, sittings and their log, entrance, outcomes, protocols."""

from alembic import op

revision = "0006_exam_server"
down_revision = "0005_registry"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA exam_server")
    op.execute("""
        CREATE TABLE exam_server."window" (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            blueprint_id text NOT NULL,
            blueprint_version int NOT NULL,
            opens_at bigint NOT NULL,
            closes_at bigint NOT NULL CHECK (closes_at > opens_at),
            capacity int NOT NULL CHECK (capacity > 0),
            place text NOT NULL DEFAULT '',
            cancelled_at bigint
        )""")
    op.execute("""
        CREATE TABLE exam_server.admission (
            candidate bigint NOT NULL,
            speciality text NOT NULL,
            missing text[] NOT NULL DEFAULT '{}',
            decided_at bigint NOT NULL,
            PRIMARY KEY (candidate, speciality)
        )""")
    op.execute("""
        CREATE TABLE exam_server.booking (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            window_id bigint NOT NULL REFERENCES exam_server."window",
            candidate bigint NOT NULL,
            booked_at bigint NOT NULL,
            cancelled_at bigint
        )""")
    op.execute("""
        CREATE UNIQUE INDEX booking_once ON exam_server.booking (window_id, candidate)
        WHERE cancelled_at IS NULL""")
    op.execute("CREATE INDEX booking_candidate ON exam_server.booking (candidate)")
    op.execute("""
        CREATE TABLE exam_server.sitting (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            booking_id bigint NOT NULL UNIQUE REFERENCES exam_server.booking,
            candidate bigint NOT NULL,
            blueprint_id text NOT NULL,
            blueprint_version int NOT NULL,
            attempt int NOT NULL,
            created_at bigint NOT NULL,
            next_deadline timestamptz,
            concluded_at bigint
        )""")
    op.execute("CREATE INDEX sitting_deadline ON exam_server.sitting (next_deadline) WHERE next_deadline IS NOT NULL")
    op.execute("""
        CREATE INDEX sitting_to_conclude ON exam_server.sitting (id)
        WHERE next_deadline IS NULL AND concluded_at IS NULL""")
    op.execute("CREATE INDEX sitting_candidate ON exam_server.sitting (candidate)")
    op.execute("""
        CREATE TABLE exam_server.log (
            sitting_id bigint NOT NULL,
            version int NOT NULL,
            prev bytea NOT NULL,
            digest bytea NOT NULL,
            events bytea NOT NULL,
            PRIMARY KEY (sitting_id, version)
        )""")
    op.execute("""
        CREATE FUNCTION exam_server.refuse_change() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'rows of the log are never changed'; END $$""")
    op.execute("""
        CREATE TRIGGER log_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON exam_server.log
        FOR EACH STATEMENT EXECUTE FUNCTION exam_server.refuse_change()""")
    op.execute("""
        CREATE TABLE exam_server.connection (
            sitting_id bigint NOT NULL,
            epoch int NOT NULL,
            address text NOT NULL,
            device text NOT NULL,
            connected_at bigint NOT NULL,
            PRIMARY KEY (sitting_id, epoch)
        )""")
    op.execute("""
        CREATE TABLE exam_server.entrance (
            sitting_id bigint PRIMARY KEY REFERENCES exam_server.sitting,
            checked_at bigint,
            readings jsonb,
            consented_at bigint,
            consent_version text,
            biometrics boolean,
            referenced_at bigint,
            identified_at bigint,
            identified_by bigint
        )""")
    op.execute("""
        CREATE TABLE exam_server.note (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            sitting_id bigint NOT NULL REFERENCES exam_server.sitting,
            author bigint NOT NULL,
            kind text NOT NULL,
            body text NOT NULL,
            written_at bigint NOT NULL
        )""")
    op.execute("CREATE INDEX note_sitting ON exam_server.note (sitting_id)")
    op.execute("""
        CREATE TABLE exam_server.protocol (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            number text NOT NULL UNIQUE,
            signed_by bigint NOT NULL,
            signed_at bigint NOT NULL,
            content bytea NOT NULL,
            signature text NOT NULL
        )""")
    op.execute("""
        CREATE TABLE exam_server.outcome (
            sitting_id bigint PRIMARY KEY REFERENCES exam_server.sitting,
            candidate bigint NOT NULL,
            state text NOT NULL CHECK (state IN ('absent', 'preliminary', 'confirmed', 'annulled')),
            passed boolean,
            flagged boolean NOT NULL,
            concluded_at bigint NOT NULL,
            confirmed_at bigint,
            protocol_id bigint REFERENCES exam_server.protocol,
            retake_on date,
            register_number text,
            receipt text
        )""")
    op.execute("CREATE INDEX outcome_candidate ON exam_server.outcome (candidate)")
    op.execute("CREATE INDEX outcome_state ON exam_server.outcome (state, concluded_at)")


def downgrade() -> None:
    op.execute("DROP SCHEMA exam_server CASCADE")
