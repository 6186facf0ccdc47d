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

"""A service provider's cinder-api that is protected."""

from oslo_config import cfg
from oslotest import base

from mixmatch_cinder.provider import protection
from tests.functional.cinder import cinder_api

SERVER = '11111111-0000-4000-8000-000000000001'
ANOTHER = '22222222-0000-4000-8000-000000000002'
COMPUTE1 = {'host': 'compute1', 'initiator': 'iqn.of.compute1.of.moc'}
COMPUTE2 = {'host': 'compute1', 'initiator': 'iqn.of.compute1.of.own'}
LAPTOP = {'host': 'laptop', 'initiator': 'iqn.of.laptop'}


class TestCase(base.BaseTestCase):
    """One cinder-api and what is done to it."""

    storage_only = False

    def setUp(self):
        super().setUp()
        self.cinder = self.useFixture(
            cinder_api.CinderApi(self.storage_only))
        self.protect()

    def protect(self):
        protection.load(cfg.CONF)

    def send(self, who, method, path, body=None, status=None):
        response = self.cinder.send(who, method, path, body)
        if status is not None:
            self.assertEqual(status, response.status_int, response.text)
        return response

    def reserve(self, who, volume_id, server=SERVER, connector=None,
                status=200):
        """Reserve a volume as Nova does; return the id of the attachment."""
        response = self.send(who, 'POST', '/attachments', {'attachment': {
            'volume_uuid': volume_id, 'connector': connector,
            **({'instance_uuid': server} if server else {})}}, status)
        return response.json.get('attachment', {}).get('id')

    def update(self, who, attachment, connector, status=200):
        return self.send(who, 'PUT', f'/attachments/{attachment}', {
            'attachment': {'connector': connector}}, status)

    def complete(self, who, attachment, status=204):
        return self.send(who, 'POST', f'/attachments/{attachment}/action',
                         {'os-complete': {}}, status)

    def attach(self, who, volume_id, server=SERVER, connector=COMPUTE1):
        """Attach a volume as Nova does; return the id of the attachment."""
        attachment = self.reserve(who, volume_id, server)
        self.update(who, attachment, connector)
        self.complete(who, attachment)
        return attachment

    def delete(self, who, attachment, status=200):
        return self.send(who, 'DELETE', f'/attachments/{attachment}',
                         status=status)

    def act(self, who, volume_id, action, answer=202, **arguments):
        return self.send(who, 'POST', f'/volumes/{volume_id}/action',
                         {action: arguments}, answer)

    def volume(self, volume_id, who=cinder_api.ADMIN):
        return self.send(who, 'GET', f'/volumes/{volume_id}',
                         status=200).json['volume']

    def shown(self, attachment, who=cinder_api.ADMIN):
        return self.send(who, 'GET', f'/attachments/{attachment}',
                         status=200).json['attachment']

    def assertIntact(self, volume_id):
        """The host still reaches its volume."""
        self.assertEqual([COMPUTE1['initiator']], [
            each['initiator']
            for each in self.cinder.storage.connected[volume_id]])
        self.assertIn(volume_id, self.cinder.storage.exported)
        self.assertEqual('in-use', self.volume(volume_id)['status'])

    def assertFree(self, volume_id):
        self.assertEqual([], self.cinder.storage.connected[volume_id])
        self.assertEqual('available', self.volume(volume_id)['status'])
