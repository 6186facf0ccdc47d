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

"""The processor time that services use."""

from collections.abc import Iterable
import os
import pathlib

from benchmarks import world as the_world
from sandbox import model
from sandbox import services
from sandbox import topology

_TICK = os.sysconf('SC_CLK_TCK')

#: Whose work a question to the service providers is, apart from our own.
ASKED = ((topology.PROVIDER, ('apache', 'keystone', 'shibd', 'memcached',
                               'cinder-api', 'glance-api')),
         (topology.HOME, ('keystone', 'memcached')),
         (topology.SHARED.name, ('mariadb',)))


def _seconds(session: int) -> float:
    """Return the CPU seconds of a session, ended processes included."""
    total = 0
    for path in pathlib.Path('/proc').glob('[0-9]*/stat'):
        try:
            text = path.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = text[text.rindex(')') + 2:].split()
        if int(fields[3]) == session:
            total += sum(map(int, fields[11:15]))
    return total / _TICK


class Meter:
    """Processor seconds of what answers a question, and of who asks.

    :param world: with the processes
    """

    def __init__(self, world: the_world.World) -> None:
        wanted = {(cloud, name) for cloud, names in ASKED for name in names}
        self._sessions = {}
        for node in services.nodes(world.site):
            key = (node.cloud, node.name)
            if isinstance(node, model.Service) and key in wanted:
                record = world.supervisor.record(node)
                assert record, f'{node.id} is not running'
                self._sessions[f'{node.cloud} {node.name}'] = record.pid

    def read(self) -> dict[str, float]:
        found = {name: _seconds(pid) for name, pid in self._sessions.items()}
        own = os.times()
        found['the question itself'] = own.user + own.system
        return found

    @staticmethod
    def spent(before: dict[str, float],
              after: dict[str, float]) -> dict[str, float]:
        return {name: after[name] - before[name] for name in before}


def unavoidable(spent: Iterable[float]) -> float:
    """Seconds that this work takes if every core does nothing else."""
    return sum(spent) / (os.cpu_count() or 1)
