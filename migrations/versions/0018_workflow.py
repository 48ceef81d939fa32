"""The life of an item: drafts and their states, who did what, comments, ratings, enemies; requirements repealed."""

from alembic import op

revision = "0018_workflow"
down_revision = "0017_followed_windows"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE question_bank.item ADD COLUMN latest int")
    op.execute("""
        UPDATE question_bank.item i SET latest = greatest(
            i.version, (SELECT max(version) FROM question_bank.item_version v WHERE v.item_id = i.id))""")
    op.execute("ALTER TABLE question_bank.item ALTER COLUMN latest SET NOT NULL")
    op.execute("ALTER TABLE question_bank.item DROP CONSTRAINT item_state_check")
    op.execute("""
        ALTER TABLE question_bank.item ADD CONSTRAINT item_state_check
            CHECK (state IN ('working', 'piloted', 'active', 'retired', 'withdrawn'))""")
    op.execute("""
        COMMENT ON COLUMN question_bank.item.version IS
            'The version in service, or that was; of an item that never was, the newest'""")
    op.execute("COMMENT ON COLUMN question_bank.item.latest IS 'The newest version'")
    op.execute("CREATE SEQUENCE question_bank.item_number")
    op.execute("""
        ALTER TABLE question_bank.item_version
            ADD COLUMN state text NOT NULL DEFAULT 'active'
                CHECK (state IN ('draft', 'review', 'approved', 'piloted', 'active', 'retired')),
            ADD COLUMN ready boolean NOT NULL DEFAULT true,
            ADD COLUMN author bigint,
            ADD COLUMN tags text[] NOT NULL DEFAULT '{}',
            ADD COLUMN language text NOT NULL DEFAULT 'ru' CHECK (language IN ('ru', 'en'))""")
    op.execute("""
        UPDATE question_bank.item_version v SET state = 'retired'
        FROM question_bank.item i WHERE i.id = v.item_id AND (i.version <> v.version OR i.state = 'withdrawn')""")
    op.execute("ALTER TABLE question_bank.item_version ALTER COLUMN state DROP DEFAULT")
    op.execute("COMMENT ON COLUMN question_bank.item_version.ready IS 'It has no fault that keeps it from review'")
    op.execute("COMMENT ON COLUMN question_bank.item_version.author IS 'Who saved it; NULL: it came with the bank'")
    op.execute("""
        CREATE UNIQUE INDEX item_version_in_service ON question_bank.item_version (item_id)
        WHERE state IN ('piloted', 'active')""")
    op.execute("""
        CREATE INDEX item_version_moving ON question_bank.item_version (state)
        WHERE state IN ('draft', 'review', 'approved', 'piloted')""")
    op.execute("CREATE INDEX item_version_tags ON question_bank.item_version USING gin (tags)")
    op.execute("""
        CREATE FUNCTION question_bank.refuse_version() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'a version of an item is never changed'; END $$""")
    op.execute("""
        CREATE TRIGGER version_is_final BEFORE UPDATE ON question_bank.item_version FOR EACH ROW
        WHEN ((OLD.item_id, OLD.version, OLD.speciality, OLD.requirement, OLD.kind, OLD.level, OLD.difficulty,
               OLD.limit_ms, OLD.content, OLD.published_at, OLD.author, OLD.tags, OLD.language)
              IS DISTINCT FROM
              (NEW.item_id, NEW.version, NEW.speciality, NEW.requirement, NEW.kind, NEW.level, NEW.difficulty,
               NEW.limit_ms, NEW.content, NEW.published_at, NEW.author, NEW.tags, NEW.language))
        EXECUTE FUNCTION question_bank.refuse_version()""")
    op.execute("""
        CREATE TRIGGER version_is_kept BEFORE DELETE ON question_bank.item_version
        FOR EACH ROW EXECUTE FUNCTION question_bank.refuse_version()""")
    op.execute("""
        CREATE TRIGGER key_is_final BEFORE UPDATE OR DELETE ON question_bank.item_key
        FOR EACH ROW EXECUTE FUNCTION question_bank.refuse_version()""")
    op.execute("""
        CREATE TABLE question_bank.history (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            item_id text NOT NULL REFERENCES question_bank.item,
            version int NOT NULL,
            what text NOT NULL CHECK (what IN ('save', 'import', 'comment', 'send', 'recall', 'return', 'approve',
                'pilot', 'activate', 'retire', 'reopen', 'replace', 'repeal')),
            field text NOT NULL DEFAULT '',
            words text NOT NULL DEFAULT '',
            done_by bigint NOT NULL,
            done_at bigint NOT NULL
        )""")
    op.execute("CREATE INDEX history_item ON question_bank.history (item_id, id)")
    op.execute("""
        CREATE TRIGGER history_is_final BEFORE UPDATE OR DELETE ON question_bank.history
        FOR EACH ROW EXECUTE FUNCTION question_bank.refuse_version()""")
    op.execute("""
        COMMENT ON COLUMN question_bank.history.what IS
            'What somebody did; replace: a newer version took the place of this one'""")
    op.execute("""
        CREATE TABLE question_bank.working_copy (
            author bigint NOT NULL,
            item_id text NOT NULL,
            based_on int NOT NULL CHECK (based_on >= 0),
            body jsonb NOT NULL,
            saved_at bigint NOT NULL,
            PRIMARY KEY (author, item_id)
        )""")
    op.execute("""
        COMMENT ON TABLE question_bank.working_copy IS
            'What an author is writing, kept as it is typed; saved it becomes a version. based_on 0: a new item'""")
    op.execute("""
        CREATE TABLE question_bank.angoff_rating (
            item_id text NOT NULL,
            version int NOT NULL,
            judge bigint NOT NULL,
            rating int NOT NULL CHECK (rating BETWEEN 0 AND 100),
            rated_at bigint NOT NULL,
            PRIMARY KEY (item_id, version, judge),
            FOREIGN KEY (item_id, version) REFERENCES question_bank.item_version
        )""")
    op.execute("""
        COMMENT ON COLUMN question_bank.angoff_rating.rating IS
            'Of 100 candidates who only just deserve to pass, how many would answer right'""")
    op.execute("""
        CREATE TABLE question_bank.enemy (
            item_id text NOT NULL REFERENCES question_bank.item,
            other_id text NOT NULL REFERENCES question_bank.item,
            declared_by bigint NOT NULL,
            declared_at bigint NOT NULL,
            PRIMARY KEY (item_id, other_id),
            CHECK (item_id < other_id)
        )""")
    op.execute("CREATE INDEX enemy_other ON question_bank.enemy (other_id)")
    op.execute("COMMENT ON TABLE question_bank.enemy IS 'Pairs of items of which one gives the other away'")
    op.execute("""
        ALTER TABLE question_bank.requirement
            ADD COLUMN section text NOT NULL DEFAULT '',
            ADD COLUMN repealed_at bigint,
            ADD COLUMN repealed_by bigint,
            ADD COLUMN repeal_reason text NOT NULL DEFAULT ''""")


def downgrade() -> None:
    op.execute("""
        ALTER TABLE question_bank.requirement
            DROP COLUMN section, DROP COLUMN repealed_at, DROP COLUMN repealed_by, DROP COLUMN repeal_reason""")
    for table in ("enemy", "angoff_rating", "working_copy", "history"):
        op.execute(f"DROP TABLE question_bank.{table}")
    op.execute("DROP TRIGGER key_is_final ON question_bank.item_key")
    op.execute("DROP TRIGGER version_is_kept ON question_bank.item_version")
    op.execute("DROP TRIGGER version_is_final ON question_bank.item_version")
    op.execute("DROP FUNCTION question_bank.refuse_version")
    op.execute("""
        ALTER TABLE question_bank.item_version
            DROP COLUMN state, DROP COLUMN ready, DROP COLUMN author, DROP COLUMN tags, DROP COLUMN language""")
    op.execute("DROP SEQUENCE question_bank.item_number")
    op.execute("UPDATE question_bank.item SET state = 'withdrawn' WHERE state <> 'active'")
    op.execute("ALTER TABLE question_bank.item DROP CONSTRAINT item_state_check")
    op.execute("""
        ALTER TABLE question_bank.item ADD CONSTRAINT item_state_check CHECK (state IN ('active', 'withdrawn'))""")
    op.execute("ALTER TABLE question_bank.item DROP COLUMN latest")
