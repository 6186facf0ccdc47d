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
import os
import pathlib
import re
import signal
import statistics
import threading
import time

from sandbox import process
from sandbox import state
from tests.functional import clouds
from tests.soak import killer

WATCHED = ('nova-api', 'nova-conductor', 'nova-compute', 'cinder-api')

#: Those that answer SIGUSR2 with a report of what each thread does. Nova's
#: pools begin with no thread and have up to a hundred in the end; what waits
#: in one is no leak.
REPORTING = ('nova-conductor', 'nova-compute')
_THREAD, _END = r'-+ +Thread #\S+ +-+', r'=+ +Configuration +=+'
_IDLE = re.compile(r'in _wait_for_work$|concurrent/futures/thread.py:\d+ in '
                   r'_worker\n    `work_item = ', re.MULTILINE)

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
        super().__init__(name='sampler')
        self._supervisor = process.Supervisor(site)
        self._services = {name: killer.service(site, cloud, name)
                          for name in WATCHED}
        # NOTE: home's services stay, so they have the same pids all the time.
        self._pids = {
            name: killer.family(self._supervisor, service)
            for name, service in self._services.items()}
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
        """The number of threads of each service that have something to do.

        For those that cannot tell, of all threads.
        """
        return {name: (self._reported(name) if name in REPORTING
                       else self.now(name).threads) for name in WATCHED}

    def _reported(self, name: str) -> int:
        log = self._supervisor.log(self._services[name])
        lines = {pid: process.command_line(pid) for pid in self._pids[name]}
        # NOTE: the signal would end a privsep daemon.
        pids = [pid for pid, line in lines.items()
                if name in line and 'privsep' not in line]
        with log.open(errors='replace') as stream:
            stream.seek(0, os.SEEK_END)
            begin = stream.tell()

        def report() -> str | None:
            with log.open(errors='replace') as stream:
                stream.seek(begin)
                text = stream.read()
            return text if len(re.findall(_END, text)) == len(pids) else None
        for pid in pids:
            os.kill(pid, signal.SIGUSR2)
        text = clouds.wait_for(f'the report of {name}', report)
        return sum(not _IDLE.search(each)
                   for each in re.split(_THREAD, text)[1:])

    def growth(self, name: str) -> tuple[float, float]:
        """The median memory of the first and the second half, in MB."""
        sizes = [each.kilobytes / 1024 for each in self.samples[name]]
        middle = len(sizes) // 2
        return (statistics.median(sizes[:middle]),
                statistics.median(sizes[middle:]))
