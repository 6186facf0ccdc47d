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

"""S2 by a user of moc whose name, and whose project's, is not ASCII."""

import uuid

from keystoneauth1 import adapter
from keystoneauth1 import session
from keystoneauth1 import token_endpoint

from sandbox import topology
from tests.functional import clouds
from tests.functional import federation
from tests.functional import test_rules_login


class TestNames(test_rules_login.Rules):

    def local_project(self, name):
        """One of bu's own, which the landlord names in a rule."""
        bu = self.landlord.admin
        made = bu.post('/projects', json={'project': {
            'name': name, 'domain_id': 'default'}}).json()['project']['id']
        self.addCleanup(bu.delete, f'/projects/{made}')

    @staticmethod
    def cinder_of_bu(who):
        """keystoneauth's own K2K takes assertions for Latin-1."""
        return adapter.Adapter(
            session.Session(timeout=clouds.PATIENCE),
            auth=token_endpoint.Token(
                topology.url(topology.by_name('bu'), 'cinder', '/v3'),
                federation.Entrance(who).token()), raise_exc=False)

    def test_volume_is_found_and_attached(self):
        project = f'Ελένη; a b {str(uuid.uuid4())[:8]}'
        who = self.somebody(f'jürgen {uuid.uuid4()}', project)
        self.local_project(project)
        with self.landlord.ruling({
                'name': 'names', 'projects': project,
                'roles': {'member': 'member'}, 'local_project': project,
                'local_domain': 'Default'}):
            there = self.cinder_of_bu(who)
            volume_id = there.post('/volumes', json={'volume': {
                'size': 1, 'name': 'data'}}).json()['volume']['id']
            clouds.wait_for('the volume', lambda: there.get(
                f'/volumes/{volume_id}').json()['volume']['status']
                == 'available')
            server = clouds.must(who.openstack(
                'server', 'create', '--image', 'guest', '--flavor', 'tiny',
                '--nic', 'none', '--wait', '-f', 'json', 'names')).json['id']
            try:
                clouds.must(who.openstack('server', 'add', 'volume', server,
                                          volume_id))
                clouds.wait_for('the attachment', lambda: [
                    (each['instance'], each['status'])
                    for each in self.attachments_at('bu', volume_id)]
                    == [(server, 'attached')])
            finally:
                clouds.must(who.openstack('server', 'delete', '--wait',
                                          server))
            self.assertEqual([], self.attachments_at('bu', volume_id))
            there.delete(f'/volumes/{volume_id}')
            clouds.wait_for('its deletion', lambda: there.get(
                f'/volumes/{volume_id}').status_code == 404)
