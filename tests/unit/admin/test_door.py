from admin.pages.door import read_ids


def test_what_is_no_id_is_left_out() -> None:
    assert read_ids(["1", "07", "0", "-1", "1e3", "９", "9" * 19, "42", ""]) == [1, 42]
