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

"""Tempest's tests of servers with volumes, of home and of a provider.

They run unmodified, twice on the same clouds: with volumes of home, and with
volumes that live at bu, which Tempest makes by its option
``compute_volume_common_az``. It wants servers in a zone of that name as well,
so home's hosts get one. What passes with the former has to pass with the
latter.

    python -m tests.tempest.compute [REGEX]
"""

from collections.abc import Iterator
import contextlib
import sys

from sandbox import client
from sandbox import paste
from sandbox import rules
from sandbox import topology
from tests.tempest import workspace

TESTS = (# These want networks, or storage that keeps an image.
         '^(?!.*(security_group|floating_ip|BootFromVolume|volume_backed))'
         r'tempest\.api\.compute\.(volumes\.|servers\..*[Vv]olume|'
         r'servers\.test_(delete_server|server_rescue)\.)')
FEATURES = {'compute-feature-enabled': {'resize': True}}
COMPUTE = {'min_microversion': '2.1', 'max_microversion': 'latest'}


def enable_hosts(sandbox: client.Sandbox) -> None:
    """Let both hosts of home take servers, so that these can be resized."""
    nova = sandbox.landlord(topology.HOME).api('compute', version='2.53')
    for each in nova.get('/os-services', params={
            'binary': 'nova-compute'}).json()['services']:
        nova.put(f'/os-services/{each["id"]}', json={'status': 'enabled'})


@contextlib.contextmanager
def larger_flavor(sandbox: client.Sandbox) -> Iterator[str]:
    """A flavor to resize servers to; its id."""
    nova = sandbox.landlord(topology.HOME).api('compute')
    made = nova.post('/flavors', json={'flavor': {
        'name': 'larger', 'ram': 192, 'vcpus': 1, 'disk': 1}}).json()[
            'flavor']['id']
    yield made
    nova.delete(f'/flavors/{made}')


@contextlib.contextmanager
def nova_into_one_project(sandbox: client.Sandbox) -> Iterator[None]:
    """All processes of home's Nova have the configuration for that rule."""
    home = topology.by_name(topology.HOME)
    etc = sandbox.site.etc(home, 'nova')
    texts = {path: path.read_text() for path in (
        etc / 'nova.conf', *etc.glob('nova-cpu*.conf'))}
    names = ['nova-api', 'nova-conductor',
             *(f'nova-compute{host.suffix}' for host in home.hosts)]
    for path, text in texts.items():
        path.write_text(workspace.into_one_project(text))
    sandbox.control('restart', topology.HOME, *names)
    try:
        yield
    finally:
        for path, text in texts.items():
            path.write_text(text)
        sandbox.control('restart', topology.HOME, *names)


@contextlib.contextmanager
def hosts_in_zone(sandbox: client.Sandbox, zone: str) -> Iterator[None]:
    """Home's hosts are in an availability zone."""
    nova = sandbox.landlord(topology.HOME).api('compute')
    made = nova.post('/os-aggregates', json={'aggregate': {
        'name': zone, 'availability_zone': zone}}).json()['aggregate']['id']
    path = f'/os-aggregates/{made}'
    hosts = [host.name for host in topology.by_name(topology.HOME).hosts]
    for verb in ('add_host', 'remove_host'):
        for host in hosts:
            done = nova.post(f'{path}/action', json={verb: {'host': host}})
            assert done.status_code == 200, done.text
        if verb == 'add_host':
            yield
    nova.delete(path)


def main(argv: list[str]) -> int:
    regex = argv[0] if argv else TESTS
    sandbox = client.Sandbox()
    tempest = workspace.Tempest(sandbox)
    enable_hosts(sandbox)
    with larger_flavor(sandbox) as flavor:
        options = {**COMPUTE, 'flavor_ref_alt': flavor}
        tempest.configure(compute=options, **FEATURES)
        own = tempest.run(f'volumes of {topology.HOME}', regex)
        before = sandbox.asked_for(topology.PROVIDER, 'attachments')
        with (rules.Landlord(sandbox).ruling(workspace.RULE),
              paste.changed(sandbox, topology.HOME,
                            workspace.into_one_project, 'cinder.conf'),
              nova_into_one_project(sandbox),
              hosts_in_zone(sandbox, topology.PROVIDER)):
            tempest.configure(**FEATURES, compute={
                **options, 'compute_volume_common_az': topology.PROVIDER})
            foreign = tempest.run(f'volumes of {topology.PROVIDER}', regex)
    asked = sandbox.asked_for(topology.PROVIDER, 'attachments') - before
    return workspace.compare(asked, own, foreign)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
