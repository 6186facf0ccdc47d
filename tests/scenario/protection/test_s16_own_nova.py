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

"""S16: a service provider with a Nova of its own."""

import contextlib
import uuid

from sandbox import client
from sandbox import paste
from tests.scenario import attachers

DETACHED = {'status': 'available', 'attach_status': 'detached'}


class TestOwnNova(attachers.ProtectionScenario):
    """judy of bu has a server there, beside that of alice of moc."""

    judy: client.Person
    own_server: str
    home_domain: str

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        stack.callback(cls.sandbox.control, 'remove', cls.provider, 'nova')
        cls.sandbox.control('add', cls.provider, 'nova')
        cls.judy = cls.sandbox.user(cls.provider, 'judy')
        cls.own_server = cls.new_server(cls.judy)
        stack.callback(cls.delete_server, cls.own_server, cls.judy)
        keystone = cls.sandbox.landlord(cls.provider).api('identity')
        cls.home_domain, = (each['id'] for each in keystone.get(
            '/domains', params={'name': cls.home}).json()['domains'])

    def setUp(self):
        super().setUp()
        self.at_own_nova = self.judy.api('compute', version='2.60')
        self.by_judy = self.judy.api('block-storage', version='3.54')
        self.by_own_nova = self.cinder_as(
            self.judy.auth,
            self.sandbox.user(self.provider, 'nova', 'service').auth)
        self.by_home = self.as_nova()

    def own_volume(self):
        """A volume that judy has made."""
        volume_id = self.by_judy.post('/volumes', json={'volume': {
            'size': 1, 'name': self.id().rpartition('.')[2]}}).json()[
                'volume']['id']
        self.addCleanup(self.delete_volume, self.provider, volume_id)
        self.wait_for_status(self.provider, volume_id, 'available')
        return volume_id

    def attach_at_own(self, server, volume_id):
        """Attach it to a server of judy's; the id of the attachment."""
        answer = self.at_own_nova.post(
            f'/servers/{server}/os-volume_attachments',
            json={'volumeAttachment': {'volumeId': volume_id}})
        self.assertEqual(200, answer.status_code, answer.text)
        self.wait_for_status(self.provider, volume_id, 'in-use')
        attachment, = self.attachments_at(self.provider, volume_id)
        self.assertEqual(('attached', server), (
            attachment['status'], attachment['instance']))
        self.assertNotIn('os-mixmatch:holder', attachment)
        return attachment['id']

    def detach_at_own(self, volume_id):
        url = f'/servers/{self.own_server}/os-volume_attachments'
        self.assertEqual(202, self.at_own_nova.delete(
            f'{url}/{volume_id}').status_code)
        self.wait_for_status(self.provider, volume_id, 'available')
        client.wait_for(
            f'Nova of {self.provider} to forget volume {volume_id}', lambda: (
                self.at_own_nova.get(
                    f'{url}/{volume_id}').status_code == 404))
        self.assert_untouched(self.provider, volume_id)

    def attached_at_own(self):
        """A volume that judy's server uses until the test ends."""
        volume_id = self.own_volume()
        attachment = self.attach_at_own(self.own_server, volume_id)
        self.addCleanup(self.detach_at_own, volume_id)
        return volume_id, attachment

    def assert_held(self, attachment):
        """Nova of moc has it, and no user may end it."""
        shown = self.landlord.get(f'/attachments/{attachment}').json()[
            'attachment']
        self.assertEqual(self.home_domain,
                         shown['os-mixmatch:holder']['home_id'])
        for user in (self.by_judy, self.at_provider):
            self.assertEqual(409, user.delete(
                f'/attachments/{attachment}').status_code)

    def end(self, *attachments):
        for each in attachments:
            self.assertEqual(200, self.by_home.delete(
                f'/attachments/{each}').status_code)

    def what_cinder_says(self):
        """Return Cinder's answers to all ways to detach from bu's own Nova."""
        volume_id = self.own_volume()
        client.must(self.judy.openstack('server', 'add', 'volume',
                                        self.own_server, volume_id))
        self.wait_for_status(self.provider, volume_id, 'in-use')
        attachment, = self.attachments_at(self.provider, volume_id)
        said = {
            **self.endings(self.by_judy, volume_id, attachment['id']),
            'still attached': [each['id'] for each in self.attachments_at(
                self.provider, volume_id)] == [attachment['id']]}
        self.assertNotIn('os-mixmatch:holder', attachment)
        self.detach_at_own(volume_id)
        reserved = self.reserve(self.by_judy, volume_id)
        said['reserved'] = self.by_judy.delete(
            f'/attachments/{reserved}').status_code
        by_hand = self.reserve(self.by_judy, volume_id,
                               connector=attachers.CONNECTOR)
        said['connected'] = self.by_judy.get(
            f'/attachments/{by_hand}').json()['attachment']['status']
        said['connected elsewhere'] = self.by_judy.put(
            f'/attachments/{by_hand}', json={'attachment': {'connector': {
                **attachers.CONNECTOR, 'host': 'desktop'}}}).status_code
        said['by hand'] = self.by_judy.delete(
            f'/attachments/{by_hand}').status_code
        self.wait_for_status(self.provider, volume_id, 'available')
        return said

    def test_all_is_as_before(self):
        protected = self.what_cinder_says()
        self.assertEqual([409, 409, 409], [
            protected[each] for each in ('delete', 'detach', 'terminate')])
        with paste.changed(self.sandbox, self.provider,
                           paste.without_protection):
            self.assertEqual(self.what_cinder_says(), protected)

    def test_a_server_of_provider_is_deleted(self):
        volume_id = self.own_volume()
        server = self.new_server(self.judy)
        self.addCleanup(self.delete_server, server, self.judy)
        self.attach_at_own(server, volume_id)
        self.delete_server(server, self.judy)
        self.wait_for_status(self.provider, volume_id, 'available')
        self.assert_untouched(self.provider, volume_id)

    def test_servers_of_both_clouds(self):
        """Neither Nova may end what the other holds."""
        of_home = self.attached_volume()
        attachment, = self.attachments_at(self.provider, of_home)
        own, own_attachment = self.attached_at_own()
        for who in (self.at_provider, self.by_judy, self.by_own_nova):
            answers = self.attempts_at(who, of_home, attachment['id'])
            self.assertEqual(dict.fromkeys(answers, 409), answers)
        self.assert_held(attachment['id'])
        self.assertEqual(400, self.at_own_nova.post(
            f'/servers/{self.own_server}/os-volume_attachments',
            json={'volumeAttachment': {'volumeId': of_home}}).status_code)
        for who in (self.at_provider, self.by_home):
            answers = self.endings(who, own, own_attachment)
            self.assertEqual(dict.fromkeys(answers, 409), answers)
        left, = self.attachments_at(self.provider, own)
        self.assertEqual((own_attachment, 'attached'),
                         (left['id'], left['status']))
        self.assert_in_use(of_home)
        found = self.sandbox.mixmatch_nova('check')
        self.assertEqual(0, found.code, found)

    def test_a_role_counts_beside_its_service_token_only(self):
        volume_id, attachment = self.attached_at_own()
        in_project = self.from_home(self.nova_of_home, 'research')
        for service_auth, answer in (
                (None, 403),
                (self.from_home(self.nova_of_home,
                                f'{self.home}-service'), 409)):
            nova = self.cinder_as(in_project, service_auth)
            self.assertEqual((answer, answer), (
                self.act_on(nova, volume_id, 'os-reset_status', **DETACHED),
                nova.delete(f'/attachments/{attachment}').status_code))
        self.wait_for_status(self.provider, volume_id, 'in-use')
        left, = self.attachments_at(self.provider, volume_id)
        self.assertEqual('attached', left['status'])

    def test_what_moves_keeps_its_holder(self):
        """A live migration makes a second attachment, with a connector."""
        volume_id = self.own_volume()
        server = str(uuid.uuid4())
        first = self.reserve(self.by_home, volume_id, instance_uuid=server,
                             connector=attachers.CONNECTOR)
        self.assertEqual(204, self.by_home.post(
            f'/attachments/{first}/action',
            json={'os-complete': {}}).status_code)
        second = self.reserve(
            self.by_home, volume_id, instance_uuid=server,
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
            for who in (self.by_judy, self.at_provider, self.by_own_nova):
                self.assertEqual(409, self.act_on(
                    who, volume_id, action, **arguments), action)
        self.end(first, second)
        self.wait_for_status(self.provider, volume_id, 'available')

    def test_hosts_named_as_those_of_another_cloud(self):
        volume_id = self.own_volume()
        attachment = self.reserve(self.by_judy, volume_id)
        self.assertEqual(409, self.by_judy.put(
            f'/attachments/{attachment}', json={'attachment': {
                'connector': {**attachers.CONNECTOR,
                              'host': f'{self.home_domain[:8]}-laptop'}}}
        ).status_code)
        self.assertEqual(200, self.by_judy.delete(
            f'/attachments/{attachment}').status_code)
