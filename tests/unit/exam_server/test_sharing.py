"""Equal parts of forms become one, and stay equal."""

import json

from exam_server.events import Created, decode_batch, encode_batch
from exam_server.sharing import Shared
from exam_server.sitting import Sitting, create
from tests.histories.sittings import CHOICE, SITTING, UNFOLDING, make_created, make_form, make_rules


def read(created: Created) -> Sitting:
    """As it comes from the log: nothing in it is anybody else's."""
    (read,) = decode_batch(encode_batch((created,)))
    assert isinstance(read, Created)
    return create(SITTING, read)


def test_sittings_of_one_exam_share_entries_and_rules() -> None:
    shared = Shared()
    first, second = (shared.of(read(make_created())) for _ in range(2))
    assert first == read(make_created())
    assert first.rules is second.rules
    assert all(one is other for one, other in zip(first.form.entries, second.form.entries, strict=True))
    assert first.form.snapshot is second.form.snapshot


def test_another_order_of_options_is_another_entry_with_the_same_ids() -> None:
    shared = Shared()
    written = json.loads(encode_batch((make_created(make_form(UNFOLDING)),)))
    for stage in written["events"][0]["form"]["entries"][0]["stages"]:
        stage["choices"].reverse()
    (turned,) = decode_batch(json.dumps(written).encode())
    assert isinstance(turned, Created)
    straight = shared.of(read(make_created(make_form(UNFOLDING)))).form.entries[0]
    reversed_ = shared.of(read(turned)).form.entries[0]
    assert straight != reversed_
    for one, other in zip(straight.stages, reversed_.stages, strict=True):
        assert all(a is b for a, b in zip(one.choices, reversed(other.choices), strict=True))


def test_it_does_not_grow_without_end() -> None:
    shared = Shared(most=2)
    before = shared.of(read(make_created(make_form(CHOICE, CHOICE, CHOICE), make_rules(exam_limit=1))))
    after = shared.of(read(make_created(make_form(CHOICE, CHOICE, CHOICE), make_rules(exam_limit=1))))
    assert before == after
    assert before.form.entries[0] is not after.form.entries[0]
