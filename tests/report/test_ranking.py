"""How agreement in rank is shown."""

import pytest

from attnbench.records import Case
from attnbench.report.margins import margin


@pytest.mark.parametrize(("value", "shown", "text"), [(1.0, "100", ""), (0.98, "98", "fails")])
def test_the_share_of_kept_ranks_is_a_percentage_without_a_distance(value, shown, text):
    one = margin(Case("noise", "ranking", "", value, 1.0, "higher", value >= 1))
    assert one.ratio is None
    assert one.value.startswith(shown)
    assert one.text == text
