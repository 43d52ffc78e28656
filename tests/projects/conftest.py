import shlex


def pytest_addoption(parser):
    parser.addoption("--run-with", type=shlex.split, default=[], help="what the programs are run with")
