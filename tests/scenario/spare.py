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

"""A server that one class of scenarios leaves to the next one.

To make a server and to delete it takes ten seconds of processor, and most
classes leave theirs as they found it.
"""

import atexit
from typing import Any

from sandbox import client
from sandbox import topology


class Spare:
    """The server that is left, if there is one.

    :param sandbox: its clouds; it is a server of moc
    """

    def __init__(self, sandbox: client.Sandbox) -> None:
        self._sandbox = sandbox
        self._server: str | None = None
        atexit.register(self._delete)

    def take(self) -> str | None:
        """Return the id of the server, which is the caller's from now on."""
        server, self._server = self._server, None
        return server if server and self._is_as_new(server) else None

    def put(self, server: str) -> bool:
        """Keep a server for the next class.

        :returns: False if it is not as a new one is
        """
        if self._server or not self._is_as_new(server):
            return False
        self._server = server
        return True

    def _is_as_new(self, server_id: str) -> bool:
        admin = self._sandbox.landlord(topology.HOME)
        response = admin.api('compute', version='2.60').get(
            f'/servers/{server_id}')
        if response.status_code != 200:
            return False
        server: dict[str, Any] = response.json()['server']
        return (
            server['status'] == 'ACTIVE'
            and server['OS-EXT-STS:task_state'] is None
            and server['OS-EXT-SRV-ATTR:host'] == topology.by_name(
                topology.HOME).hosts[0].name
            and not server['locked'] and not server['metadata']
            and server['flavor']['original_name'] == 'tiny'
            and self._is_guest(server)
            and not server['os-extended-volumes:volumes_attached'])

    def _is_guest(self, server: dict[str, Any]) -> bool:
        image, = self._sandbox.landlord(topology.HOME).api('image').get(
            '/v2/images', params={'name': 'guest'}).json()['images']
        return bool(server['image']) and server['image']['id'] == image['id']

    def _delete(self) -> None:
        if self._server:
            self._sandbox.landlord(topology.HOME).api('compute').delete(
                f'/servers/{self._server}')
