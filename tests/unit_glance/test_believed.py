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

"""Bad answers of another cloud about an image."""

import json

import fixtures
from glance.common import property_utils

from mixmatch import api
from tests.unit_glance import base
from tests.unit_glance import glances

PATH = f'/v2/images/{base.IMAGE}'
OTHER = '33333333-0000-4000-8000-000000000003'


class TestBelieved(base.GlanceTestCase):

    def test_what_leads_to_bits_of_home_is_dropped(self):
        self.bu.add(
            base.IMAGE, direct_url='rbd://fsid/images/victim/snap',
            locations=[{'url': 'file:///etc/shadow', 'metadata': {}}],
            stores='local', os_glance_stage_host='http://victim',
            os_glance_import_task='x', self='http://victim/',
            file='http://victim/file', schema='http://victim/schema',
            location='file:///etc/shadow', deleted='False', deleted_at='x',
            checked='yes', deep={'a': 1}, many=['a'], number=7, nothing=None)
        shown = self.show()
        self.assertEqual({
            **glances.image(base.IMAGE), 'owner': 'home-id-of-research',
            'checked': 'yes', api.ATTRIBUTE: 'bu',
            api.PROJECT_ATTRIBUTE: 'id-of-research'}, shown)

    def test_more_properties_than_any_image_has(self):
        self.bu.add(base.IMAGE, **{f'x{number}': 'y'
                                   for number in range(1024)})
        self.assertIn('invalid number of properties', self.refused(503))

    def test_no_cloud_speaks_for_another(self):
        self.bu.add(base.IMAGE, **{api.ATTRIBUTE: 'mit',
                                   'os-mixmatch:other': 'x'})
        shown = self.show()
        self.assertEqual('bu', shown[api.ATTRIBUTE])
        self.assertNotIn('os-mixmatch:other', shown)

    def test_visibility(self):
        for there, here in (('public', 'shared'), ('community', 'shared'),
                            ('shared', 'shared'), ('private', 'private')):
            self.bu.add(base.IMAGE, visibility=there)
            self.assertEqual(here, self.show()['visibility'])

    def test_owner(self):
        for there, here in (('id-of-research', 'home-id-of-research'),
                            ('home-id-of-research', None),
                            ('id-of-teaching', 'id-of-teaching'),
                            (None, None)):
            self.bu.add(base.IMAGE, owner=there)
            self.assertEqual(here, self.show()['owner'])

    def test_kernel_and_ramdisk_are_ids(self):
        self.bu.add(base.IMAGE, kernel_id=OTHER, ramdisk_id='../../secrets')
        shown = self.show()
        self.assertEqual(OTHER, shown['kernel_id'])
        self.assertNotIn('ramdisk_id', shown)

    def test_volumes_are_kept(self):
        """Nova looks for them with the user's rights."""
        mapping = json.dumps([{'snapshot_id': OTHER, 'boot_index': 0}])
        self.bu.add(base.IMAGE, block_device_mapping=mapping, mappings='[]')
        self.assertEqual(mapping, self.show()['block_device_mapping'])

    def test_signature_is_kept(self):
        """Its certificate is not at home: a Nova that verifies refuses."""
        self.bu.add(base.IMAGE, img_signature='x',
                    img_signature_certificate_uuid=OTHER)
        self.assertEqual(OTHER, self.show()['img_signature_certificate_uuid'])

    def test_keys_are_dropped(self):
        keys = ('cinder_encryption_key_id', 'os_encrypt_key_id',
                'cinder_encryption_key_deletion_policy', 'os_decrypt_size',
                'hw_ephemeral_encryption_secret_uuid')
        self.bu.add(base.IMAGE, **dict.fromkeys(keys, OTHER))
        self.assertEqual(set(), set(keys) & set(self.show()))

    def test_invalid_answers(self):
        good = glances.image(base.IMAGE)
        for key, value in (
                ('id', OTHER), ('id', None), ('id', base.IMAGE + ' '),
                ('name', 7), ('name', 256 * 'x'), ('status', 'excellent'),
                ('status', []), ('visibility', 'hidden'), ('size', -1),
                ('size', '5'), ('size', 1 << 63), ('size', True),
                ('size', 0.5), ('protected', 'yes'), ('tags', 'a'),
                ('tags', [1]), ('tags', [256 * 'x']), ('min_disk', None),
                ('min_ram', -1), ('checksum', 'zz'), ('os_hash_value', []),
                ('os_hash_algo', '../x'), ('disk_format', 'a b'),
                ('container_format', {}), ('created_at', 'yesterday'),
                ('created_at', '2026-99-01T00:00:00Z'),
                ('updated_at', '2026-01-01T00:00:00'),
                ('updated_at', None), ('owner', 5)):
            self.bu.answers['GET', PATH] = 200, {**good, key: value}, {}
            self.assertIn(f'invalid {key}', self.refused(503), (key, value))

    def test_incomplete_answers(self):
        for key in ('id', 'name', 'size', 'os_hash_value', 'visibility'):
            body = glances.image(base.IMAGE)
            del body[key]
            self.bu.answers['GET', PATH] = 200, body, {}
            self.assertIn(f'invalid {key}', self.refused(503))

    def test_no_image_at_all(self):
        for body in (b'', b'<html>', b'[]', b'null', b'{"id": NaN}',
                     b'{"id": ' + 40 * b'[' + 40 * b']' + b'}'):
            self.bu.answers['GET', PATH] = 200, body, {}
            self.assertIn('Service provider bu', self.refused(503))

    def test_endless(self):
        self.bu.answers['GET', PATH] = 200, b' ' * (9 << 20), {}
        self.assertIn('Service provider bu', self.refused(503))


class TestProtected(base.GlanceTestCase):
    """Properties that home's operator protects."""

    rules = """
[x_billing]
create = admin
read = @
update = admin
delete = admin
[x_secret]
create = @
read = admin
update = @
delete = @
[x_nobody]
create = !
read = @
update = !
delete = !
[.*]
create = member
read = member, admin
update = member
delete = member
"""
    properties = {'x_billing': 'none', 'x_secret': 'a', 'x_nobody': 'b',
                  'hw_disk_bus': 'scsi'}

    def setUp(self):
        path = self.useFixture(fixtures.TempDir()).join('rules')
        with open(path, 'w') as file:
            file.write(self.rules)
        self.glance_options = (('property_protection_file', path, None),)
        # NOTE: Glance reads the file into a global.
        property_utils.CONFIG.clear()
        self.addCleanup(property_utils.CONFIG.clear)
        super().setUp()
        self.clouds.bu.projects['admin'] = ['admin']
        self.bu.add(base.IMAGE, **self.properties)

    def shown(self, **kwargs):
        return set(self.properties) & set(self.show(**kwargs))

    def test_what_users_may_not_set(self):
        self.assertEqual({'hw_disk_bus'}, self.shown())

    def test_what_the_one_that_asks_may_set_does_not_count(self):
        self.assertEqual({'hw_disk_bus', 'x_secret'},
                         self.shown(user='admin', roles='admin'))

    def test_nor_a_service_token(self):
        self.assertEqual({'hw_disk_bus'}, self.shown(
            headers={'X-Service-Roles': 'admin'}))


class TestNobodysProperties(TestProtected):
    options = 'image_property_roles =\n'

    def test_what_users_may_not_set(self):
        self.assertEqual(set(), self.shown())

    def test_what_the_one_that_asks_may_set_does_not_count(self):
        self.assertEqual({'x_secret'},
                         self.shown(user='admin', roles='admin'))

    def test_nor_a_service_token(self):
        self.assertEqual(set(), self.shown(
            headers={'X-Service-Roles': 'admin'}))
