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

"""An image of another cloud, as far as it is believed."""

from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from mixmatch import exceptions
from mixmatch_glance import foreign_image
from mixmatch_glance import remote
from mixmatch_glance import routes
from tests.unit import base

ID = '22222222-0000-4000-8000-000000000002'
TIME = '2026-01-02T03:04:05Z'

#: As Glance sends it.
GOOD = {
    'id': ID, 'name': 'there', 'status': 'active', 'visibility': 'private',
    'protected': False, 'os_hidden': False, 'owner': 'x', 'tags': [],
    'min_disk': 0, 'min_ram': 0, 'size': 5, 'virtual_size': None,
    'disk_format': 'raw', 'container_format': 'bare', 'checksum': None,
    'os_hash_algo': 'sha512', 'os_hash_value': 'ab', 'created_at': TIME,
    'updated_at': TIME, 'self': '/v2/images/x', 'file': '/x', 'schema': '/y'}

NAMES = st.sampled_from([
    *GOOD, 'direct_url', 'locations', 'stores', 'kernel_id', 'ramdisk_id',
    'os_glance_stage_host', 'os-mixmatch:service_provider', 'hw_disk_bus',
    'cinder_encryption_key_id']) | st.text(max_size=300)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda more: st.lists(more, max_size=3) | st.dictionaries(
        st.text(), more, max_size=3), max_leaves=5)


def believed(body):
    return foreign_image.ForeignImage.from_reply(
        'bu', routes.Image(ID), remote.Reply(200, body, 'id-of-research'))


class TestForeignImage(base.TestCase):

    def test_good(self):
        image = believed({**GOOD, 'hw_disk_bus': 'scsi'})
        self.assertEqual({'hw_disk_bus': 'scsi'}, image.extra)
        self.assertFalse(image.is_encrypted)

    def test_encrypted(self):
        for name in ('cinder_encryption_key_id', 'os_encrypt_key_id',
                     'hw_ephemeral_encryption_secret_uuid'):
            image = believed({**GOOD, name: 'x'})
            self.assertEqual(({}, True), (image.extra, image.is_encrypted))

    def test_names_with_line_breaks(self):
        image = believed({
            **GOOD, 'os-mixmatch:\n': 'x', 'os_glance_\nhost': 'x',
            'a\nb': 'x', 'cinder_encryption_\n': 'x'})
        self.assertEqual(({}, True), (image.extra, image.is_encrypted))

    @settings(deadline=None)
    @given(st.dictionaries(NAMES, VALUES, max_size=6))
    def test_anything(self, said):
        try:
            image = believed({**GOOD, **said})
        except exceptions.ServiceProviderUnavailable as exc:
            self.assertEqual('bu', exc.service_provider)
            return
        self.assertEqual(ID, image.id)
        for name, value in image.extra.items():
            self.assertIsInstance(value, str)
            self.assertNotIn(name, (
                'direct_url', 'locations', 'stores', 'self', 'file', 'schema',
                'cinder_encryption_key_id', 'os_glance_stage_host',
                'os-mixmatch:service_provider'))
        self.assertIn(image.base['visibility'], ('shared', 'private'))

    @settings(deadline=None)
    @given(VALUES)
    def test_any_value_of_each_property(self, value):
        for name in GOOD:
            try:
                image = believed({**GOOD, name: value})
            except exceptions.ServiceProviderUnavailable:
                continue
            self.assertLessEqual(set(image.base), set(GOOD))
