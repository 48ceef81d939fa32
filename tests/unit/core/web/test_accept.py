from core.web.accept import weighed


def test_wishes_keep_their_order_and_weight() -> None:
    assert weighed("ru-RU, en;q=0.8 , *;q=0.1") == [("ru-ru", 1.0), ("en", 0.8), ("*", 0.1)]


def test_malformed_weights_count_for_nothing_and_are_bounded() -> None:
    assert weighed("a;q=x, b;q=, c;q=7, d;q=-1,,") == [("a", 0.0), ("b", 0.0), ("c", 1.0), ("d", 0.0)]


def test_other_parameters_are_passed_over() -> None:
    assert weighed('application/json;profile="x";q=0.4') == [("application/json", 0.4)]
