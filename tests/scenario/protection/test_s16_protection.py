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

"""S16: what moc's Nova holds at bu, nobody takes away at bu."""

from sandbox import client
from tests.scenario import attachers


class TestProtection(attachers.ProtectionScenario):

    def setUp(self):
        super().setUp()
        self.volume_id = self.attached_volume()
        self.attachment, = (
            each['id'] for each in self.attachments_at(
                self.provider, self.volume_id))

    def attempts(self, who):
        return self.attempts_at(who, self.volume_id, self.attachment)

    def assert_intact(self):
        self.assert_in_use(self.volume_id)

    def test_the_user_is_refused_at_provider(self):
        answers = self.attempts(self.at_provider)
        self.assertEqual(dict.fromkeys(answers, 409), answers)
        refused = self.alice.openstack_at(
            self.provider, '--os-volume-api-version', '3.27', 'volume',
            'attachment', 'delete', self.attachment)
        self.assertNotEqual(0, refused.code)
        self.assertIn(f'server {self.server} of the cloud "{self.home}"',
                      refused.err)
        self.assert_intact()
        # The server has its disk after a reboot, too.
        self.operate('reboot', '--hard', '--wait', self.server)
        self.assert_intact()

    def test_the_landlord_is_refused_and_sees_who_holds_it(self):
        answers = self.attempts(self.landlord)
        answers['force'] = self.act_on(
            self.landlord, self.volume_id, 'os-force_detach',
            attachment_id=self.attachment, connector=attachers.CONNECTOR)
        self.assertEqual(dict.fromkeys(answers, 409), answers)
        self.assert_intact()
        shown = self.landlord.get(f'/attachments/{self.attachment}').json()[
            'attachment']
        self.assertEqual(self.server, shown['instance'])
        by = shown['os-mixmatch:holder']
        self.assertEqual(self.home, by['home'])
        self.assertIn('alice', by['user'])
        volume, = self.landlord.get(f'/volumes/{self.volume_id}').json()[
            'volume']['attachments']
        self.assertEqual(by, volume['os-mixmatch:holder'])
        # Its host is not taken for one of another cloud.
        self.assertTrue(volume['host_name'].endswith(f'-{self.host}'))
        log, = (path for path in self.sandbox.logs()
                if path.parent.name == self.provider
                and path.name == 'cinder-api.log')
        line = next(line for line in log.read_text().splitlines()
                    if self.attachment in line and 'is owned by' in line)
        for word in (f'the Nova of {self.home}', by['user_id'], self.server):
            self.assertIn(word, line)

    def test_the_user_sees_nothing_of_it(self):
        self.assertNotIn('mixmatch', self.at_provider.get(
            f'/attachments/{self.attachment}').text)

    def test_a_refused_detach_at_provider_does_not_disturb_one_at_home(self):
        self.attempts(self.at_provider)
        self.assertEqual(202, self.act_on(
            self.at_provider, self.volume_id, 'os-begin_detaching'))
        self.assertEqual(202, self.act_on(
            self.at_provider, self.volume_id, 'os-roll_detaching'))
        self.assert_intact()
        # Cleaning up detaches it at home.


class TestNotHeld(attachers.ProtectionScenario):
    """No server is needed: nothing is used by one."""

    has_server = False

    def test_what_is_only_reserved_the_user_removes(self):
        volume_id = self.volume_at(self.provider)
        attachment = self.reserve(self.as_nova(), volume_id)
        self.assertEqual(409, self.at_provider.put(
            f'/attachments/{attachment}', json={'attachment': {
                'connector': attachers.CONNECTOR}}).status_code)
        client.must(self.alice.openstack_at(
            self.provider, '--os-volume-api-version', '3.27', 'volume',
            'attachment', 'delete', attachment))
        self.assert_untouched(self.provider, volume_id)

    def test_what_the_user_attaches_by_himself(self):
        volume_id = self.volume_at(self.provider)
        attachment = self.attach_by_hand(self.at_provider, volume_id)
        self.assertEqual(200, self.at_provider.delete(
            f'/attachments/{attachment}').status_code)
        self.assert_untouched(self.provider, volume_id)

    def test_the_landlord_releases_what_a_dead_cloud_holds(self):
        volume_id = self.volume_at(self.provider)
        attachment = self.attach_by_hand(self.as_nova(), volume_id)
        self.assertEqual(409, self.landlord.delete(
            f'/attachments/{attachment}').status_code)
        landlord = self.sandbox.user(self.provider, 'admin')
        client.must(landlord.openstack(
            'volume', 'set', '--state', 'available', '--detached',
            volume_id))
        self.assertEqual(202, self.act_on(self.landlord, volume_id,
                                          'os-force_detach'))
        self.assert_untouched(self.provider, volume_id)

    def test_it_survives_a_restart(self):
        volume_id = self.volume_at(self.provider)
        nova = self.as_nova()
        attachment = self.attach_by_hand(nova, volume_id)
        self.sandbox.control('restart', self.provider, 'cinder-api')
        self.assertEqual(409, self.at_provider.delete(
            f'/attachments/{attachment}').status_code)
        self.assertEqual(200, nova.delete(
            f'/attachments/{attachment}').status_code)
        self.assert_untouched(self.provider, volume_id)
