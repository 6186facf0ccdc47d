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

"""Repeated measurements, and what they come to."""

from collections.abc import Callable, Iterable, Sequence
import statistics
import time

Sample = list[float]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """The spread: a quarter of the values is below, a quarter above it."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method='inclusive')
    return low, high


def timed(call: Callable, *args: object) -> float:
    """Seconds that a call took."""
    began = time.monotonic()
    call(*args)
    return time.monotonic() - began


def interleaved(kinds: Iterable[str], repetitions: int,
                measure: Callable[[str], None],
                progress: Callable[[int, int], None]) -> None:
    """Measure each kind once, then each a second time, and so on.

    What disturbs the machine so disturbs all kinds alike. The order turns
    round each time, since each finds what the one before has left.
    """
    order = list(kinds)
    for number in range(repetitions):
        for kind in order if number % 2 == 0 else reversed(order):
            measure(kind)
        progress(number + 1, repetitions)
