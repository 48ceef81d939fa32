"""Forms survive being written down: the log and the store keep them as JSON."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from question_bank.forms import Form, FormEntry, FormStage

ids = st.text(min_size=1, max_size=12)
stages = st.builds(FormStage, kind=st.sampled_from(["choice", "actions"]), choices=st.lists(ids, max_size=6).map(tuple))
entries = st.builds(
    FormEntry,
    item=ids,
    version=st.integers(1, 99),
    limit=st.integers(1, 10**7),
    weight=st.integers(0, 9),
    stages=st.lists(stages, max_size=4).map(tuple),
)
forms = st.builds(
    Form,
    blueprint=ids,
    blueprint_version=st.integers(1, 99),
    seed=st.integers(0, 2**63 - 1),
    algorithm=ids,
    snapshot=st.text("0123456789abcdef", min_size=64, max_size=64),
    entries=st.lists(entries, max_size=5).map(tuple),
)


@given(forms)
def test_a_form_comes_back_equal_from_json(form: Form) -> None:
    assert msgspec.json.decode(msgspec.json.encode(form), type=Form) == form
