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

"""Nova compares attachments with mappings before each reboot."""

import fixtures as base_fixtures
from nova import exception
from nova import objects
from nova.volume import cinder
import requests

from mixmatch_nova import state
from mixmatch_nova import target
from tests.unit import fixtures
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova import novas


class TestReboot(base.NovaTestCase):
    """A mapping whose attachment is not found would be destroyed."""

    def setUp(self):
        super().setUp()
        self.useFixture(novas.NovaDatabase())
        objects.BlockDeviceMapping(
            self.foreign_context(), instance_uuid=base.SERVER,
            volume_id=base.VOLUME, attachment_id=base.ATTACHMENT,
            source_type='volume', destination_type='volume').create()
        self.log = self.useFixture(base_fixtures.FakeLogger())
        self.clouds.mock.get(f'{self.home.cinder_url}/attachments',
                             json={'attachments': []})
        self.api = cinder.API()
        self.request = self.context()
        objects.BlockDeviceMappingList.get_by_instance_uuid(
            self.request, base.SERVER)

    def bu_answers(self, **kwargs):
        self.clouds.mock.get(
            f'{self.bu.cinder_url}/attachments/{base.ATTACHMENT}', **kwargs)

    def compare(self):
        self.api.attachment_get_all(self.request, base.SERVER)
        return self.api.attachment_get(self.request, base.ATTACHMENT)['id']

    def test_attachment_that_is_there(self):
        self.bu_answers(json={'attachment': {
            'id': base.ATTACHMENT, 'status': 'attached',
            'instance': base.SERVER, 'volume_id': base.VOLUME,
            'connection_info': fixtures.connection_info()}})
        self.assertEqual(base.ATTACHMENT, self.compare())
        self.assertNotIn('attachment', self.log.output)

    def test_attachment_that_is_not_there_is_loud_in_the_log(self):
        self.bu_answers(status_code=404)
        self.assertEqual(base.ATTACHMENT, self.compare())
        self.assertIn('bu says that it has no attachment', self.log.output)
        self.assertIn('mixmatch-nova check', self.log.output)

    def test_silence_blocks_no_reboot(self):
        self.bu_answers(exc=requests.exceptions.ConnectTimeout)
        self.assertEqual(base.ATTACHMENT, self.compare())
        self.assertIn('cannot be compared', self.log.output)

    def test_only_the_server_that_is_rebooted(self):
        self.bu_answers(status_code=404)
        self.api.attachment_get_all(self.request, base.HOME_VOLUME)
        self.assertRaises(exception.VolumeAttachmentNotFound,
                          self.api.attachment_get, self.request,
                          base.ATTACHMENT)

    def test_an_attachment_of_home_is_as_ever(self):
        other = '55555555-0000-4000-8000-000000000005'
        self.clouds.mock.get(f'{self.home.cinder_url}/attachments/{other}',
                             status_code=404)
        state.from_context(self.request).remember_target(other, target.HOME)
        self.api.attachment_get_all(self.request, base.SERVER)
        self.assertRaises(exception.VolumeAttachmentNotFound,
                          self.api.attachment_get, self.request, other)
