"""Proctoring: what was watched, incidents and their evidence, coverage gaps, references, findings, decisions."""

from alembic import op

revision = "0003_proctoring"
down_revision = "0002_question_bank"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA proctoring")
    op.execute("""
        CREATE TABLE proctoring.watch (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            sitting bigint NOT NULL,
            policy text NOT NULL,
            opened_at bigint NOT NULL,
            last_frame_at bigint NOT NULL,
            closed_at bigint,
            received int NOT NULL DEFAULT 0,
            processed int NOT NULL DEFAULT 0,
            dropped int NOT NULL DEFAULT 0,
            broken int NOT NULL DEFAULT 0
        )
    """)
    op.execute("CREATE INDEX watch_sitting ON proctoring.watch (sitting)")
    op.execute("CREATE UNIQUE INDEX watch_open ON proctoring.watch (sitting) WHERE closed_at IS NULL")
    op.execute("""
        COMMENT ON TABLE proctoring.watch IS
            'A stretch of watching one camera in one process; dropped frames were overwritten by newer ones'
    """)
    op.execute("""
        CREATE TABLE proctoring.incident (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            sitting bigint NOT NULL,
            kind text NOT NULL,
            severity text NOT NULL CHECK (severity IN ('low', 'medium', 'high')),
            holds boolean NOT NULL,
            began_at bigint NOT NULL,
            seen_at bigint NOT NULL CHECK (seen_at >= began_at),
            ended_at bigint CHECK (ended_at >= began_at),
            reason text NOT NULL DEFAULT '',
            readings int NOT NULL,
            strength real NOT NULL,
            score real,
            source text NOT NULL,
            policy text NOT NULL,
            UNIQUE (sitting, kind, began_at)
        )
    """)
    op.execute("CREATE INDEX incident_open ON proctoring.incident (sitting) WHERE ended_at IS NULL")
    op.execute("""
        CREATE TABLE proctoring.evidence (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            incident bigint NOT NULL REFERENCES proctoring.incident,
            role text NOT NULL CHECK (role IN ('before', 'at', 'after')),
            taken_at bigint NOT NULL,
            blob text NOT NULL,
            sha256 text NOT NULL CHECK (length(sha256) = 64),
            size int NOT NULL,
            UNIQUE (incident, role)
        )
    """)
    op.execute("""
        CREATE TABLE proctoring.coverage_gap (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            sitting bigint NOT NULL,
            began_at bigint NOT NULL,
            ended_at bigint CHECK (ended_at >= began_at),
            reason text NOT NULL,
            UNIQUE (sitting, began_at)
        )
    """)
    op.execute("""
        CREATE TABLE proctoring.reference (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            sitting bigint NOT NULL,
            model text NOT NULL,
            embedding_blob text NOT NULL,
            picture_blob text NOT NULL,
            side real NOT NULL,
            sharpness real NOT NULL,
            brightness real NOT NULL,
            taken_at bigint NOT NULL,
            replaced_at bigint
        )
    """)
    op.execute("CREATE UNIQUE INDEX reference_current ON proctoring.reference (sitting) WHERE replaced_at IS NULL")
    op.execute("""
        CREATE TABLE proctoring.finding (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            incident bigint NOT NULL REFERENCES proctoring.incident,
            verdict text NOT NULL CHECK (verdict IN ('confirmed', 'dismissed')),
            reviewer bigint NOT NULL,
            reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
            found_at bigint NOT NULL
        )
    """)
    op.execute("CREATE INDEX finding_incident ON proctoring.finding (incident, id)")
    op.execute("""
        CREATE TABLE proctoring.decision (
            sitting bigint PRIMARY KEY,
            decision text NOT NULL CHECK (decision IN ('no_violation', 'warning', 'annul')),
            reviewer bigint NOT NULL,
            reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
            decided_at bigint NOT NULL
        )
    """)


def downgrade() -> None:
    op.execute("DROP SCHEMA proctoring CASCADE")
