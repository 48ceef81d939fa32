"""Finding items: the bank's words for those who mistype one, requirements by their titles, items out of service."""

from alembic import op

revision = "0022_finding"
down_revision = "0021_counted_forms"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE question_bank.word (
            lexeme text NOT NULL,
            form text NOT NULL,
            trigrams text[] NOT NULL
        )""")
    op.execute("""
        COMMENT ON TABLE question_bank.word IS
            'Words of the items, each with a form in which it was written. Not unique on purpose: nobody waits for
             somebody else''s transaction over a word'""")
    op.execute("""
        INSERT INTO question_bank.word (lexeme, form, trigrams)
        SELECT word, word, ARRAY(SELECT substr('  ' || word || ' ', place, 3)
                                 FROM generate_series(1, length(word) + 1) AS place)
        FROM ts_stat('SELECT words FROM question_bank.item_version') WHERE length(word) BETWEEN 3 AND 40""")
    op.execute("CREATE INDEX word_lexeme ON question_bank.word (lexeme text_pattern_ops)")
    op.execute("CREATE INDEX word_trigrams ON question_bank.word USING gin (trigrams)")
    op.execute("CREATE INDEX item_folded_id ON question_bank.item (lower(id) text_pattern_ops)")
    op.execute("""
        CREATE INDEX item_out_of_service ON question_bank.item (state, id) WHERE state <> 'active'""")
    op.execute("CREATE INDEX item_version_unready ON question_bank.item_version (item_id) WHERE NOT ready")
    op.execute("""
        CREATE INDEX item_version_author ON question_bank.item_version (author, state) WHERE author IS NOT NULL""")
    op.execute("""
        CREATE INDEX requirement_words ON question_bank.requirement
        USING gin (to_tsvector('russian', replace(lower(title), 'ё', 'е')))""")


def downgrade() -> None:
    op.execute("DROP INDEX question_bank.requirement_words")
    op.execute("DROP INDEX question_bank.item_version_author")
    op.execute("DROP INDEX question_bank.item_version_unready")
    op.execute("DROP INDEX question_bank.item_out_of_service")
    op.execute("DROP INDEX question_bank.item_folded_id")
    op.execute("DROP TABLE question_bank.word")
