"""Forms prepared ahead, allowances, changes to windows, items withdrawn in the middle of one."""

from alembic import op

revision = "0011_forms"
down_revision = "0010_late_answers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE exam_server.sitting ADD COLUMN entered_at bigint")
    op.execute("UPDATE exam_server.sitting SET entered_at = created_at")
    op.execute("""
        COMMENT ON COLUMN exam_server.sitting.entered_at IS
            'When the candidate came in; until then only the form is there, and nothing else knows of the sitting'
    """)
    op.execute("""
        CREATE INDEX sitting_prepared ON exam_server.sitting (id)
        WHERE entered_at IS NULL AND next_deadline IS NOT NULL""")
    op.execute("""
        CREATE TABLE exam_server.form (
            sitting_id bigint PRIMARY KEY REFERENCES exam_server.sitting,
            items text[] NOT NULL,
            versions int[] NOT NULL
        )""")
    op.execute("""
        COMMENT ON TABLE exam_server.form IS
            'Which items a sitting has, in their order: found from the item. The log says the same'
    """)
    op.execute("""
        INSERT INTO exam_server.form (sitting_id, items, versions)
        SELECT l.sitting_id, array_agg(e.entry ->> 'item' ORDER BY e.place),
               array_agg(CAST(e.entry ->> 'version' AS int) ORDER BY e.place)
        FROM exam_server.log l
        CROSS JOIN LATERAL jsonb_array_elements(
            CAST(convert_from(l.events, 'UTF8') AS jsonb) #> '{events,0,form,entries}'
        ) WITH ORDINALITY AS e(entry, place)
        WHERE l.version = 0 GROUP BY l.sitting_id""")
    op.execute("CREATE INDEX form_items ON exam_server.form USING gin (items)")
    op.execute("""
        CREATE TABLE exam_server.allowance (
            candidate bigint NOT NULL,
            blueprint_id text NOT NULL,
            percent int NOT NULL CHECK (percent >= 100),
            extra bigint NOT NULL CHECK (extra >= 0),
            breaks int NOT NULL CHECK (breaks >= 0),
            reason text NOT NULL,
            decided_by bigint NOT NULL,
            decided_at bigint NOT NULL,
            applied_at bigint,
            PRIMARY KEY (candidate, blueprint_id)
        )""")
    op.execute("""
        COMMENT ON COLUMN exam_server.allowance.applied_at IS
            'When the last sitting had it; NULL while there is something left to do'
    """)
    op.execute("""
        CREATE INDEX allowance_to_apply ON exam_server.allowance (decided_at) WHERE applied_at IS NULL""")
    op.execute("""
        CREATE TABLE exam_server.window_change (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            window_id bigint NOT NULL REFERENCES exam_server."window",
            kind text NOT NULL CHECK (kind IN ('cancelled', 'close_moved')),
            closes_at bigint,
            reason text NOT NULL,
            decided_by bigint NOT NULL,
            decided_at bigint NOT NULL,
            applied_at bigint
        )""")
    op.execute("CREATE INDEX window_change_window ON exam_server.window_change (window_id)")
    op.execute("""
        CREATE INDEX window_change_to_apply ON exam_server.window_change (id) WHERE applied_at IS NULL""")
    op.execute("""
        CREATE TABLE exam_server.withdrawal (
            item_id text PRIMARY KEY,
            reason text NOT NULL,
            decided_by bigint NOT NULL,
            decided_at bigint NOT NULL,
            applied_at bigint
        )""")
    op.execute("""
        CREATE INDEX withdrawal_to_apply ON exam_server.withdrawal (decided_at) WHERE applied_at IS NULL""")
    op.execute("""
        CREATE TABLE exam_server.withdrawal_case (
            item_id text NOT NULL REFERENCES exam_server.withdrawal,
            sitting_id bigint NOT NULL REFERENCES exam_server.sitting,
            fate text NOT NULL CHECK (fate IN ('replaced', 'removed', 'kept')),
            decided_at bigint NOT NULL,
            PRIMARY KEY (item_id, sitting_id)
        )""")
    op.execute("""
        COMMENT ON COLUMN exam_server.withdrawal_case.fate IS
            'replaced: another form; removed: taken out unseen; kept: it had been shown, and somebody has to decide'
    """)
    op.execute("ALTER TABLE exam_server.note ADD COLUMN position int")
    op.execute("""
        COMMENT ON COLUMN exam_server.note.position IS 'Place in the form of the item that a remark is about, from 0'
    """)
    op.execute("CREATE INDEX note_remarks ON exam_server.note (id) WHERE position IS NOT NULL")
    op.execute("ALTER TABLE exam_server.outcome DROP CONSTRAINT outcome_state_check")
    op.execute("""
        ALTER TABLE exam_server.outcome ADD CONSTRAINT outcome_state_check
        CHECK (state IN ('absent', 'cancelled', 'preliminary', 'confirmed', 'annulled'))""")


def downgrade() -> None:
    op.execute("UPDATE exam_server.outcome SET state = 'absent' WHERE state = 'cancelled'")
    op.execute("ALTER TABLE exam_server.outcome DROP CONSTRAINT outcome_state_check")
    op.execute("""
        ALTER TABLE exam_server.outcome ADD CONSTRAINT outcome_state_check
        CHECK (state IN ('absent', 'preliminary', 'confirmed', 'annulled'))""")
    op.execute("ALTER TABLE exam_server.note DROP COLUMN position")
    for table in ("withdrawal_case", "withdrawal", "window_change", "allowance", "form"):
        op.execute(f"DROP TABLE exam_server.{table}")
    op.execute("ALTER TABLE exam_server.sitting DROP COLUMN entered_at")
