"""Fixtures of the tests of downloads."""

import pytest

from tests.support.http_server import serve


@pytest.fixture(scope="module")
def the_server():
    """A web server for a module's tests."""
    with serve() as server:
        yield server


@pytest.fixture
def server(the_server):
    """The web server, which has no replies and was asked for nothing."""
    the_server.requests.clear()
    the_server.replies.clear()
    return the_server
