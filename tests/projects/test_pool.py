"""pytest that drives programs written in C, of the directory that POOL_TESTS names.

threadleak run -- pytest                      one report, which names the tests that leaked
pytest --run-with='threadleak run --'         the very test that leaked fails
"""
import os
import subprocess

import pytest


@pytest.fixture
def run(request):
    def status(name):
        program = os.path.join(os.environ["POOL_TESTS"], name)
        return subprocess.run([*request.config.getoption("--run-with"), program], check=False).returncode
    return status


def test_passes(run):
    assert run("test_passes") == 0


def test_leaks(run):
    assert run("test_leaks") == 0


def test_fails(run):
    assert run("test_fails") == 3


def test_skips(run):
    if run("test_skips") == 77:
        pytest.skip("the program says so")
    assert False


def test_errors(run):
    assert run("test_errors") == 99
