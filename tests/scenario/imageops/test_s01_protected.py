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

"""S1: what home's users may not set, no other cloud sets for them."""

from sandbox import paste
from sandbox import topology
from tests.scenario.images import test_s01_boot as images

#: Only an administrator of home sets what a server costs.
PROTECTIONS = """\
[^cost_.*]
create = admin
read = admin,member,reader
update = admin
delete = admin

[.*]
create = admin,member
read = admin,member,reader
update = admin,member
delete = admin,member
"""


class TestProtectedProperties(images.ImageScenario):

    def properties(self):
        """Return the image, and the one of the list, as home shows them."""
        glance = self.alice.api('image')
        shown = glance.get(f'/v2/images/{self.image_id}').json()
        listed, = (each for each in glance.get('/v2/images').json()['images']
                   if each['id'] == self.image_id)
        return shown, listed

    def test_property_of_another_cloud(self):
        values = {'cost_center': 'nobody', 'os_distro': 'debian'}
        self.image_id = self.upload('raw', 'initrd', container_format='bare',
                                    **values)
        for each in self.properties():
            self.assertEqual(values, {key: each.get(key) for key in values})
        file = self.sandbox.site.etc(
            topology.by_name(self.home), 'glance') / 'protections.conf'
        file.write_text(PROTECTIONS)
        self.addCleanup(file.unlink)

        def protected(text):
            return text.replace(
                '[DEFAULT]\n', '[DEFAULT]\n'
                f'property_protection_file = {file}\n'
                'property_protection_rule_format = roles\n')
        with paste.changed(self.sandbox, self.home, protected,
                           'glance-api.conf', 'glance'):
            for each in self.properties():
                self.assertNotIn('cost_center', each)
                self.assertEqual('debian', each['os_distro'])
