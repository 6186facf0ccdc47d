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

"""Clients that attach volumes at bu: Nova of moc, a user, the landlord."""

import uuid

from keystoneauth1 import adapter
from keystoneauth1.identity import v3
from keystoneauth1 import service_token
from keystoneauth1 import session

from sandbox import client
from tests.scenario import servers

CONNECTOR = {'host': 'laptop', 'initiator': 'iqn.2026-11.example:laptop'}


class ProtectionScenario(servers.OperationScenario):

    one_login = False

    def setUp(self):
        super().setUp()
        self.at_provider = self.alice.api(
            'block-storage', version='3.54', at=self.provider)
        self.landlord = self.sandbox.user(self.provider, 'admin').api(
            'block-storage', version='3.54')

    def as_nova(self):
        """Return Cinder of bu as Nova of moc calls it for alice."""
        return self.cinder_as(
            self.from_home(self.alice, 'research'),
            self.from_home(self.nova_of_home, f'{self.home}-service'))

    @property
    def nova_of_home(self):
        return self.sandbox.user(self.home, 'nova', 'service')

    def from_home(self, who, project):
        """The login of a user of moc in a project of bu."""
        return v3.Keystone2Keystone(
            who.auth, self.provider, project_name=project,
            project_domain_name='Default')

    def cinder_as(self, user_auth, service_auth=None):
        """Cinder of bu, as it is asked by a user, or by a Nova for one."""
        auth = user_auth if service_auth is None else (
            service_token.ServiceTokenAuthWrapper(
                user_auth=user_auth, service_auth=service_auth))
        return adapter.Adapter(
            session.Session(timeout=client.PATIENCE), auth=auth,
            service_type='block-storage', interface='public',
            default_microversion='3.54', raise_exc=False)

    def reserve(self, who, volume_id, **more):
        """An attachment for a server that does not exist; its id."""
        response = who.post('/attachments', json={'attachment': {
            'volume_uuid': volume_id, 'instance_uuid': str(uuid.uuid4()),
            **more}})
        self.assertEqual(200, response.status_code, response.text)
        return response.json()['attachment']['id']

    def attach_by_hand(self, who, volume_id):
        attachment = self.reserve(who, volume_id, connector=CONNECTOR)
        self.assertEqual(204, who.post(
            f'/attachments/{attachment}/action',
            json={'os-complete': {}}).status_code)
        self.wait_for_status(self.provider, volume_id, 'in-use')
        return attachment

    def attempts_at(self, who, volume_id, attachment):
        """Each way to an attachment, and how it ends."""
        one = f'/attachments/{attachment}'
        return {
            **self.endings(who, volume_id, attachment),
            'update': who.put(one, json={'attachment': {
                'connector': CONNECTOR}}).status_code,
            'complete': who.post(one + '/action', json={
                'os-complete': {}}).status_code}

    def endings(self, who, volume_id, attachment):
        """Those that would end it."""
        return {
            'delete': who.delete(f'/attachments/{attachment}').status_code,
            'detach': self.act_on(who, volume_id, 'os-detach',
                                  attachment_id=attachment),
            'terminate': self.act_on(
                who, volume_id, 'os-terminate_connection',
                connector=CONNECTOR)}

    def assert_in_use(self, volume_id):
        """The server of moc has it, and so has the guest."""
        self.assert_agreed(volume_id)
        self.assertTrue(self.sandbox.watched(self.provider, volume_id))

    def act_on(self, who, volume_id, action, **arguments):
        return who.post(f'/volumes/{volume_id}/action',
                        json={action: arguments}).status_code
