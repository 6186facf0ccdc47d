# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Deadline of a caller, which all requests of its thread keep."""

from collections.abc import Iterator
import contextlib
import contextvars
import math

#: Seconds that a caller waits for the probe that it has caused.
PATIENCE = 0.25

#: The deadline on the clock of time.monotonic(), and the patience.
_DEADLINE: contextvars.ContextVar[tuple[float, float]] = (
    contextvars.ContextVar('mixmatch_deadline',
                           default=(math.inf, PATIENCE)))


@contextlib.contextmanager
def limit(at: float = math.inf, patience: float = PATIENCE) -> Iterator[None]:
    """Let no request of this thread wait beyond a point in time.

    :param at: on the clock of time.monotonic(); infinity for as long as the
        configuration allows
    :param patience: seconds to wait for the probe of what was down
    """
    token = _DEADLINE.set((at, patience))
    try:
        yield
    finally:
        _DEADLINE.reset(token)


def is_set() -> bool:
    """Return whether the caller of this thread waits for a limited time."""
    return _DEADLINE.get()[0] != math.inf


def get() -> float:
    """Return the deadline of this thread, on time.monotonic()'s clock."""
    return _DEADLINE.get()[0]


def patience() -> float:
    """Return how many seconds to wait for the probe of what was down."""
    return _DEADLINE.get()[1]
