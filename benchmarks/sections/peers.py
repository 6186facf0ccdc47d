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

"""The same calls to a foreign Cinder in the way of others.

What Nova asks of Cinder for one attach and one detach, in its order, without
Nova around it: once through the core, once as the first plugins for Nova did
it, with a new Keystone-to-Keystone login for each client that Nova makes.
"""

from collections.abc import Callable
from typing import Any
import uuid

from cinderclient import client as cinder_client
from keystoneauth1.identity import v3
from keystoneauth1 import service_token
from keystoneauth1 import session

from benchmarks import federations
from benchmarks import logs
from benchmarks import results
from benchmarks import samples
from benchmarks import world as the_world
from mixmatch import federation
from mixmatch import requester
from mixmatch_nova import volume_client
from sandbox import topology

TITLE = 'peers: the calls of an attach and a detach in the way of others'
REPETITIONS = 30
QUICK = 4
MICROVERSION = '3.44'
CONNECTOR = {'host': 'benchmark', 'platform': 'x86_64', 'os_type': 'linux',
             'ip': '127.0.0.1', 'multipath': False,
             'initiator': 'iqn.2004-10.org.example:benchmark'}

#: Makes a client, as Nova does for each call.
Clients = Callable[[], Any]


class Core:
    """The logins of mixmatch."""

    def __init__(self, clouds: federation.Federation,
                 who: the_world.Person) -> None:
        self._clouds = clouds
        self._requester = requester.Requester(who.token, who.project_id)

    def __call__(self) -> Any:
        user = self._clouds.user_login(topology.PROVIDER, self._requester)
        return volume_client.make(
            self._clouds.service_provider(topology.PROVIDER),
            self._clouds.with_service_token(topology.PROVIDER, user),
            MICROVERSION)


class Naive:
    """A login for each client; the service token is kept in favour of it.
    """

    def __init__(self, clouds: federation.Federation,
                 who: the_world.Person) -> None:
        self._clouds, self._who = clouds, who
        self._home_url = topology.url(topology.by_name(topology.HOME),
                                      'keystone', '/v3')

    def __call__(self) -> Any:
        user = v3.Keystone2Keystone(
            v3.Token(self._home_url, self._who.token,
                     project_id=self._who.project_id),
            topology.PROVIDER, project_name='research',
            project_domain_name='Default')
        return cinder_client.Client(
            MICROVERSION, session=session.Session(),
            auth=service_token.ServiceTokenAuthWrapper(
                user, self._clouds.service_login(topology.PROVIDER)),
            service_type='block-storage', region_name=topology.PROVIDER)


def attach_and_detach(client: Clients, volume: str) -> None:
    """Ask of Cinder what Nova's processes do, a client for each."""
    server = str(uuid.uuid4())
    client().volumes.get(volume)
    attachment = client().attachments.create(volume, None, server)
    attachment_id = attachment['id']
    client().volumes.get(volume)
    client().attachments.update(attachment_id, CONNECTOR)
    client().attachments.complete(attachment_id)
    client().volumes.get(volume)
    client().volumes.begin_detaching(volume)
    client().volumes.get(volume)
    client().attachments.delete(attachment_id)


def run(world: the_world.World, found: results.Results,
        quick: bool) -> None:
    volume = world.volume(topology.PROVIDER)
    clouds = federations.clouds([topology.PROVIDER])
    who = world.fresh()
    ways: dict[str, Clients] = {'core': Core(clouds, who),
                                'naive': Naive(clouds, who)}
    times: dict[str, samples.Sample] = {way: [] for way in ways}
    requests: dict[str, int] = {}

    def measure(way: str) -> None:
        access = world.log(topology.PROVIDER, 'apache-access')
        times[way].append(1000 * samples.timed(
            attach_and_detach, ways[way], volume))
        world.wait(topology.PROVIDER, volume, 'available')
        requests[way] = len(logs.login_requests(
            logs.apache_requests(access.lines())))
    for way in ways:
        measure(way)
        times[way] = []
    samples.interleaved(ways, QUICK if quick else REPETITIONS, measure,
                        found.progress)
    for way, label in (('core', 'through the core'),
                       ('naive', 'a login for each client')):
        found.median(f'peer_{way}_ms', label, times[way])
        found.draw(label, times[way])
        found.count(f'peer_{way}_requests', f'  requests of logins at '
                    f'{topology.PROVIDER}', requests[way])
    found.ratio('peer_naive_ratio', 'a login for each client against the '
                'core', times['naive'], times['core'])
