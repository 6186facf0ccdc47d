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

"""S16: a service provider with a Nova of its own.

bu has none, so moc is protected here, as if it lent its volumes to a cloud
"nu". Nova of nu is a user in a domain of its own with the role that lets it
act, which is all that Cinder sees of a user who has come through federation.
"""

import contextlib
import uuid

from keystoneauth1 import adapter
from keystoneauth1.identity import v3
from keystoneauth1 import service_token
from keystoneauth1 import session

from sandbox import client
from sandbox import paste
from tests.scenario import attachers

ROLE = 'k2k_nova'
DETACHED = {'status': 'available', 'attach_status': 'detached'}


class TestOwnNova(attachers.ProtectionScenario):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        cls.make_nu()
        cls.stack.enter_context(paste.all_changed(
            cls.sandbox, 'moc', paste.trusting(ROLE)))

    @classmethod
    def make_nu(cls):
        """Let Nova of nu into alice's project."""
        cls.identity = cls.sandbox.landlord('moc').api('identity')

        def make(kind, **values):
            made = cls.identity.post(f'/{kind}s', json={kind: values})
            assert made.status_code == 201, made.text
            path = f'/{kind}s/{made.json()[kind]["id"]}'
            cls.stack.callback(cls.identity.delete, path)
            return made.json()[kind]['id'], path

        cls.nu, path = make('domain', name='nu')
        cls.stack.callback(cls.identity.patch, path, json={
            'domain': {'enabled': False}})
        role, _ = make('role', name=ROLE)
        cls.nova_of_nu, _ = make('user', name='nova', password='nu-nova',
                                 domain_id=cls.nu)
        project, = cls.identity.get('/projects', params={
            'name': 'research'}).json()['projects']
        granted = cls.identity.put(f'/projects/{project["id"]}/users/'
                                   f'{cls.nova_of_nu}/roles/{role}')
        assert granted.status_code == 204, granted.text

    def nova_auth(self):
        return v3.Password(
            self.alice.auth_url, user_id=self.nova_of_nu, password='nu-nova',
            project_name='research', project_domain_name='Default')

    def cinder_as(self, user_auth, service_auth=None):
        """Cinder of moc, as it is asked by a user, or Nova for one."""
        auth = user_auth if service_auth is None else (
            service_token.ServiceTokenAuthWrapper(
                user_auth=user_auth, service_auth=service_auth))
        return adapter.Adapter(
            session.Session(timeout=client.PATIENCE), auth=auth,
            service_type='block-storage', interface='public',
            default_microversion='3.54', raise_exc=False)

    def setUp(self):
        super().setUp()
        self.cinder = self.alice.api('block-storage', version='3.54')
        self.by_nova = self.cinder_as(self.alice.auth, self.nova_auth())

    def attached_locally(self):
        """A volume of moc that its own server uses until the test ends."""
        volume_id = self.local_volume()
        self.assertEqual(200, self.attach({'volumeAttachment': {
            'volumeId': volume_id}}).status_code)
        self.wait_for_attached(None, volume_id)
        self.addCleanup(self.detach, None, volume_id)
        attachment, = self.attachments_at('moc', volume_id)
        return volume_id, attachment['id']

    def assert_held(self, attachment):
        """It has its holder, and the user may not end it."""
        shown = self.sandbox.landlord('moc').api(
            'block-storage', version='3.54').get(
                f'/attachments/{attachment}').json()['attachment']
        self.assertEqual(self.nu, shown['os-mixmatch:holder']['home_id'])
        self.assertEqual(409, self.cinder.delete(
            f'/attachments/{attachment}').status_code)

    def end(self, *attachments):
        for each in attachments:
            self.assertEqual(200, self.by_nova.delete(
                f'/attachments/{each}').status_code)

    def what_cinder_says(self):
        """To each way to an attachment of moc's own Nova, and of a user."""
        volume_id = self.local_volume()
        client.must(self.alice.openstack('server', 'add', 'volume',
                                         self.server, volume_id))
        self.wait_for_attached(None, volume_id)
        attachment, = self.attachments_at('moc', volume_id)
        said = {
            'delete': self.cinder.delete(
                f'/attachments/{attachment["id"]}').status_code,
            'detach': self.act_on(self.cinder, volume_id, 'os-detach',
                                  attachment_id=attachment['id']),
            'terminate': self.act_on(
                self.cinder, volume_id, 'os-terminate_connection',
                connector=attachers.CONNECTOR),
            'still attached': [each['id'] for each in self.attachments_at(
                'moc', volume_id)] == [attachment['id']]}
        self.assertNotIn('os-mixmatch:holder', attachment)
        self.detach(None, volume_id)
        reserved = self.reserve(self.cinder, volume_id)
        said['reserved'] = self.cinder.delete(
            f'/attachments/{reserved}').status_code
        by_hand = self.reserve(self.cinder, volume_id,
                               connector=attachers.CONNECTOR)
        said['connected'] = self.cinder.get(
            f'/attachments/{by_hand}').json()['attachment']['status']
        said['connected elsewhere'] = self.cinder.put(
            f'/attachments/{by_hand}', json={'attachment': {'connector': {
                **attachers.CONNECTOR, 'host': 'desktop'}}}).status_code
        said['by hand'] = self.cinder.delete(
            f'/attachments/{by_hand}').status_code
        self.wait_for_status(None, volume_id, 'available')
        return said

    def test_all_is_as_before(self):
        protected = self.what_cinder_says()
        self.assertEqual([409, 409, 409], [
            protected[each] for each in ('delete', 'detach', 'terminate')])
        with paste.changed(self.sandbox, 'moc', paste.without_protection):
            self.assertEqual(self.what_cinder_says(), protected)

    def test_a_role_counts_beside_its_service_token_only(self):
        volume_id, attachment = self.attached_locally()
        for service_auth, answer in (
                (None, 403), (self.nova_auth(), 409)):
            nova = self.cinder_as(self.nova_auth(), service_auth)
            self.assertEqual((answer, answer), (
                self.act_on(nova, volume_id, 'os-reset_status', **DETACHED),
                nova.delete(f'/attachments/{attachment}').status_code))
        self.wait_for_status(None, volume_id, 'in-use')
        left, = self.attachments_at('moc', volume_id)
        self.assertEqual('attached', left['status'])

    def test_what_moves_keeps_its_holder(self):
        """As in a live migration: a second attachment, with a connector."""
        volume_id = self.local_volume()
        server = str(uuid.uuid4())
        first = self.reserve(self.by_nova, volume_id, instance_uuid=server,
                             connector=attachers.CONNECTOR)
        self.assertEqual(204, self.by_nova.post(
            f'/attachments/{first}/action',
            json={'os-complete': {}}).status_code)
        second = self.reserve(
            self.by_nova, volume_id, instance_uuid=server,
            connector={**attachers.CONNECTOR, 'host': 'another'})
        self.assert_held(first)
        self.assert_held(second)
        for action, arguments in (
                ('os-attach', {'mountpoint': '/dev/vdb',
                               'host_name': 'laptop'}),
                ('os-initialize_connection',
                 {'connector': attachers.CONNECTOR}),
                ('os-terminate_connection',
                 {'connector': attachers.CONNECTOR})):
            self.assertEqual(409, self.act_on(
                self.cinder, volume_id, action, **arguments), action)
        self.end(first, second)
        self.wait_for_status(None, volume_id, 'available')

    def test_hosts_named_as_those_of_another_cloud(self):
        volume_id = self.local_volume()
        attachment = self.reserve(self.cinder, volume_id)
        self.assertEqual(409, self.cinder.put(
            f'/attachments/{attachment}', json={'attachment': {
                'connector': {**attachers.CONNECTOR,
                              'host': f'{self.nu[:8]}-laptop'}}}).status_code)
        self.assertEqual(200, self.cinder.delete(
            f'/attachments/{attachment}').status_code)
