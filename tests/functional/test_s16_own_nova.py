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

"""S16: with the protection, a cloud's own Nova and users go on as before.

bu has no Nova, so moc is protected here, as if it lent its volumes to others.
"""

from tests.functional import clouds
from tests.functional import paste
from tests.functional import protection


class TestOwnNova(protection.ProtectionScenario):

    def setUp(self):
        super().setUp()
        self.cinder = self.alice.api('block-storage', version='3.54')

    def what_cinder_says(self):
        """To each way to an attachment of moc's own Nova, and of a user."""
        volume_id = self.local_volume()
        clouds.must(self.alice.openstack('server', 'add', 'volume',
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
                connector=protection.CONNECTOR),
            'still attached': [each['id'] for each in self.attachments_at(
                'moc', volume_id)] == [attachment['id']]}
        self.assertNotIn('os-mixmatch:holder', attachment)
        self.detach(None, volume_id)
        reserved = self.reserve(self.cinder, volume_id)
        said['reserved'] = self.cinder.delete(
            f'/attachments/{reserved}').status_code
        by_hand = self.reserve(self.cinder, volume_id,
                               connector=protection.CONNECTOR)
        said['connected'] = self.cinder.get(
            f'/attachments/{by_hand}').json()['attachment']['status']
        said['connected elsewhere'] = self.cinder.put(
            f'/attachments/{by_hand}', json={'attachment': {'connector': {
                **protection.CONNECTOR, 'host': 'desktop'}}}).status_code
        said['by hand'] = self.cinder.delete(
            f'/attachments/{by_hand}').status_code
        self.wait_for_status(None, volume_id, 'available')
        return said

    def test_all_is_as_before(self):
        before = self.what_cinder_says()
        self.assertEqual([409, 409, 409], [
            before[each] for each in ('delete', 'detach', 'terminate')])
        with paste.changed(self.sandbox, 'moc', paste.with_protection):
            self.assertEqual(before, self.what_cinder_says())
