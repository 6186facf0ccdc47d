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


"""A user with one server at moc and volumes at bu, who tries and tries."""

import collections
import random
import threading
import time
from typing import Any

from keystoneauth1 import exceptions as ksa_exceptions

from sandbox import client
from sandbox import topology

#: Seconds that a user waits for what was accepted, before he looks again.
PATIENCE = 45

#: How often a user takes the command instead of the API, and takes a new
#: server instead of the old one with all that is attached to it.
BY_COMMAND, NEW_SERVER = 0.04, 0.03


class User(threading.Thread):
    """Attaches and detaches until told to stop.

    :param person: who
    :param volumes: how many volumes he has at bu
    :param seed: of what he does
    """

    def __init__(self, person: client.Person, volumes: int,
                 seed: str) -> None:
        super().__init__(name=person.name, daemon=True)
        self.person = person
        self.random = random.Random(seed)
        self.nova = person.api('compute', version='2.89')
        self.cinder = person.api('block-storage', at=topology.PROVIDER)
        self.counts: collections.Counter[str] = collections.Counter()
        #: what was not understood: an answer that names no reason
        self.unclear: list[str] = []
        self.server = ''
        self.volumes: list[str] = []
        self._wanted = volumes
        self.enough = threading.Event()
        self.chaos = True

    def prepare(self) -> None:
        """Make the server and the volumes, while all is well."""
        self.new_server()
        for number in range(self._wanted):
            response = self.cinder.post('/volumes', json={'volume': {
                'size': 1, 'name': f'soak-{self.name}-{number}'}})
            assert response.status_code == 202, response.text
            self.volumes.append(response.json()['volume']['id'])
        for volume_id in self.volumes:
            self.wait_until_available(volume_id)

    def run(self) -> None:
        while not self.enough.is_set():
            try:
                self._step()
            except (ksa_exceptions.ClientException, AssertionError) as exc:
                # NOTE: home's services run all the time.
                self.unclear.append(f'{type(exc).__name__}: {exc}')
            self.enough.wait(self.random.uniform(0.2, 2))

    def _step(self) -> None:
        volume_id = self.random.choice(self.volumes)
        choice = self.random.random()
        if choice < NEW_SERVER:
            self.delete_server()
            self.new_server()
        elif volume_id in self.attached():
            self.detach(volume_id, choice > 1 - BY_COMMAND)
        else:
            self.attach(volume_id, choice > 1 - BY_COMMAND)

    def attach(self, volume_id: str, command: bool = False) -> bool:
        """Attach a volume; whether it is attached in the end."""
        if command:
            result = self.person.openstack('server', 'add', 'volume',
                                           self.server, volume_id)
            accepted = self._count_command('attach', result)
        else:
            accepted = self._count('attach', self.nova.post(
                self.attachments_url(), json={'volumeAttachment': {
                    'volumeId': volume_id,
                    'serviceProvider': topology.PROVIDER}}))
        return accepted and self._until('attached', lambda: (
            None if volume_id not in self.attached()
            else self.status(volume_id) == 'in-use'))

    def detach(self, volume_id: str, command: bool = False) -> bool:
        """Detach a volume; whether it is detached in the end."""
        if command:
            result = self.person.openstack('server', 'remove', 'volume',
                                           self.server, volume_id)
            accepted = self._count_command('detach', result)
        else:
            accepted = self._count('detach', self.nova.delete(
                f'{self.attachments_url()}/{volume_id}'))
        return accepted and self._until('detached', lambda: (
            volume_id not in self.attached()))

    def wait_until_available(self, volume_id: str) -> None:
        """Wait until a volume is free."""
        client.wait_for(f'volume {volume_id} available', lambda: (
            self.status(volume_id) == 'available'), patience=30)

    def delete_volume(self, volume_id: str) -> None:
        """Delete a volume, and wait until it is gone."""
        response = self.cinder.delete(f'/volumes/{volume_id}')
        assert response.status_code == 202, response.text
        client.wait_for(f'deletion of volume {volume_id}',
                        lambda: self.status(volume_id) is None)

    def new_server(self) -> None:
        """Have a server that runs."""
        response = self.nova.post('/servers', json={'server': {
            'name': f'soak-{self.name}', 'flavorRef': self._flavor(),
            'imageRef': self._image(), 'networks': 'none'}})
        assert response.status_code == 202, response.text
        self.server = response.json()['server']['id']
        client.wait_for(f'server of {self.name}', lambda: self.nova.get(
            f'/servers/{self.server}').json()['server']['status'] == 'ACTIVE',
            patience=180)

    def delete_server(self) -> None:
        """Delete the server with whatever is attached to it."""
        self.nova.delete(f'/servers/{self.server}')
        client.wait_for(f'deletion of the server of {self.name}', lambda: (
            self.nova.get(f'/servers/{self.server}').status_code == 404),
            patience=180)
        self.counts['servers deleted'] += 1

    def attached(self) -> list[str]:
        """The volumes that Nova knows as attached."""
        response = self.nova.get(self.attachments_url())
        assert response.status_code == 200, response.text
        return [each['volumeId']
                for each in response.json()['volumeAttachments']]

    def status(self, volume_id: str) -> str | None:
        """Return the status of a volume at bu; '' if bu does not answer."""
        try:
            response = self.cinder.get(f'/volumes/{volume_id}', timeout=10)
        except ksa_exceptions.ClientException:
            return ''
        if response.status_code == 404:
            return None
        if response.status_code != 200:
            return ''
        return response.json()['volume']['status']

    def attachments_url(self) -> str:
        """The path of the attachments of the server."""
        return f'/servers/{self.server}/os-volume_attachments'

    def _flavor(self) -> str:
        flavors = self.nova.get('/flavors').json()['flavors']
        return next(each['id'] for each in flavors if each['name'] == 'tiny')

    def _image(self) -> str:
        return self.person.api('image').get(
            '/v2/images?name=guest').json()['images'][0]['id']

    def _count(self, what: str, response: Any) -> bool:
        accepted = response.status_code in (200, 202)
        answer = 'accepted' if accepted else f'HTTP {response.status_code}'
        self.counts[f'{what}: {answer}'] += 1
        if not accepted and (response.status_code == 500
                             or topology.PROVIDER not in response.text
                             and response.status_code > 500):
            self.unclear.append(
                f'{what}: {response.status_code} {response.text}')
        return accepted

    def _count_command(self, what: str, result: client.Result) -> bool:
        answer = 'failed' if result.code else 'accepted'
        self.counts[f'{what} by command: {answer}'] += 1
        return not result.code

    def _until(self, what: str, reached: Any) -> bool:
        """Wait until it is so (True) or will never be (None)."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and not self.enough.is_set():
            now = reached()
            if now is None:
                break
            if now:
                self.counts[what] += 1
                return True
            time.sleep(0.7)
        self.counts[f'not {what}'] += 1
        return False
