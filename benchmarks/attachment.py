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

"""Attach and detach of one volume, timed."""

import dataclasses
import time

from benchmarks import logs
from benchmarks import world as the_world
from sandbox import topology

#: Seconds that nova-compute is left alone after each operation.
SETTLE = 0.25


@dataclasses.dataclass
class Times:
    """Milliseconds of one operation.

    :param response: until the API has answered
    :param whole: until Cinder says in-use, or available
    :param compute: of these, nova-compute's
    :param request_id: of the operation
    """

    response: float
    whole: float
    compute: float
    request_id: str


class Attachment:
    """A volume that goes to a server, and back.

    :param world: where
    :param server: whose
    :param cloud: where the volume lives
    :param number: distinguishes the volumes
    """

    def __init__(self, world: the_world.World, server: str, cloud: str,
                 number: int = 1) -> None:
        self.cloud = cloud
        self._world = world
        self._url = f'/servers/{server}/os-volume_attachments'
        self.volume = world.volume(cloud, number)
        self._compute = world.log(topology.HOME, 'nova-compute')

    def attach(self, who: the_world.Person, name_target: bool = True,
               show: bool = False) -> Times:
        """Attach it, and wait until all is done.

        :param name_target: say where it lives, or let Cinder of home say it
        :param show: ask Cinder of home first, as the ``openstack`` command
            does; that belongs to the whole operation then
        """
        body = {'volumeId': self.volume}
        if name_target and self.cloud != topology.HOME:
            body['serviceProvider'] = self.cloud
        nova = who.api('compute', '2.60')
        cinder = who.api('block-storage')
        began = time.monotonic()
        if show:
            cinder.get(f'/volumes/{self.volume}')
        posted = time.monotonic()
        answer = nova.post(self._url, json={'volumeAttachment': body})
        return self._finish(began, posted, 'in-use', answer.headers)

    def detach(self, who: the_world.Person) -> Times:
        """Detach it, and wait until all is done."""
        nova = who.api('compute', '2.60')
        began = time.monotonic()
        answer = nova.delete(f'{self._url}/{self.volume}')
        times = self._finish(began, began, 'available', answer.headers)
        self._world.wait_forgotten(self.volume)
        time.sleep(SETTLE)
        return times

    def _finish(self, began: float, posted: float, status: str,
                headers: dict[str, str]) -> Times:
        answered = time.monotonic()
        self._world.wait(self.cloud, self.volume, status)
        done = time.monotonic()
        time.sleep(SETTLE)
        request_id = headers['x-openstack-request-id']
        compute = logs.compute_part(self._compute.lines(), request_id)
        assert compute is not None, request_id
        return Times(1000 * (answered - posted), 1000 * (done - began),
                     1000 * compute, request_id)
