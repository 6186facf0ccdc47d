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


"""The memory and the threads of home's services over time."""

import dataclasses
import pathlib
import statistics
import threading
import time

from sandbox import process
from sandbox import state
from sandbox import verbs

WATCHED = ('nova-api', 'nova-conductor', 'nova-compute', 'cinder-api')

#: Seconds between two samples.
PERIOD = 5


@dataclasses.dataclass(frozen=True)
class Sample:
    """One look at the processes of a service."""

    at: float
    threads: int
    kilobytes: int


def look(pids: list[int]) -> Sample:
    """Look at processes now."""
    threads = kilobytes = 0
    for pid in pids:
        try:
            text = pathlib.Path(f'/proc/{pid}/status').read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = dict(line.split(':', 1) for line in text.splitlines())
        threads += int(fields['Threads'])
        kilobytes += int(fields.get('VmRSS', '0').split()[0])
    return Sample(time.monotonic(), threads, kilobytes)


class Sampler(threading.Thread):
    """Looks every few seconds, until told to stop."""

    def __init__(self, site: state.Site, cloud: str) -> None:
        super().__init__(name='sampler', daemon=True)
        supervisor = process.Supervisor(site)
        # NOTE: home's services stay, so they have the same pids all the time.
        self._pids = {name: list(supervisor.family(
            verbs.find(site, cloud, name))) for name in WATCHED}
        self.samples: dict[str, list[Sample]] = {name: [] for name in WATCHED}
        self.enough = threading.Event()

    def run(self) -> None:
        while not self.enough.wait(PERIOD):
            for name in WATCHED:
                self.samples[name].append(self.now(name))

    def now(self, name: str) -> Sample:
        """Look at one service now."""
        return look(self._pids[name])

    def threads_now(self) -> dict[str, int]:
        """The number of threads of each service."""
        return {name: self.now(name).threads for name in WATCHED}

    def growth(self, name: str) -> tuple[float, float]:
        """The median memory of the first and the second half, in MB."""
        sizes = [each.kilobytes / 1024 for each in self.samples[name]]
        middle = len(sizes) // 2
        return (statistics.median(sizes[:middle]),
                statistics.median(sizes[middle:]))

    def thread_counts(self, name: str) -> list[int]:
        """Return the number of threads in each sample."""
        return [each.threads for each in self.samples[name]]

    def late_threads(self, name: str) -> float:
        """Return the threads that the last quarter has more than the third."""
        counts = self.thread_counts(name)
        middle, last = len(counts) // 2, len(counts) * 3 // 4
        return (statistics.median(counts[last:])
                - statistics.median(counts[middle:last]))
