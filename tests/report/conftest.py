"""One browser for all pages that are tested in one."""

import pytest

from tests.report.browser import browsing


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    with browsing(tmp_path_factory.mktemp("profile")) as page:
        yield page
