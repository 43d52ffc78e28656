"""A plugin of pytest. The report of `threadleak run` then names the test in which a thread of the pytest process itself was
created, in Python or in an extension module:

  PYTHONPATH=PREFIX/share/threadleak threadleak run -- pytest -p pytest_threadleak

Without threadleak it does nothing.
"""
import ctypes

import pytest


class Abi(ctypes.Structure):
    """The beginning of struct threadleak_abi (threadleak/abi.h)."""
    _fields_ = [("size", ctypes.c_uint32), ("reserved", ctypes.c_uint32),
                ("other", ctypes.c_void_p * 8), ("test", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p))]


def find():
    try:
        return Abi.in_dll(ctypes.CDLL(None), "threadleak_abi_1")
    except ValueError:
        return None


ABI = find()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    if ABI:
        ABI.test(item.nodeid.encode(errors="surrogateescape"))
    yield
    if ABI:
        ABI.test(None)
