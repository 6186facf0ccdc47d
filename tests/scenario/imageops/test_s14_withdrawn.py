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

"""S14: what a user may do with images ends at bu, and so at moc."""

import time

from sandbox import client
from sandbox import paste
from sandbox import rules
from tests.scenario.images import test_s01_boot as images

#: How long bu's Glance remembers a token that it has validated, in seconds.
CACHED = 5
#: What a login at bu may last longer, in seconds.
FRESH = 10
MARGIN = 10

REFUSED = (403, 404)


def remember_less(text):
    """Return a glance-api.conf by which tokens are forgotten soon."""
    return text.replace('[keystone_authtoken]\n', '[keystone_authtoken]\n'
                        f'token_cache_time = {CACHED}\n')


class TestWithdrawn(images.ImageScenario):

    def status(self, below=''):
        return self.alice.api('image').get(
            f'/v2/images/{self.image_id}{below}', raise_exc=False).status_code

    def test_provider_revokes_it(self):
        landlord = rules.Landlord(self.sandbox)
        with paste.changed(self.sandbox, self.provider, remember_less,
                           'glance-api.conf', 'glance'):
            self.assertEqual(200, self.status())
            with landlord.ruling({'name': 'not alice', 'deny': True,
                                  'users': 'alice'}):
                client.must(landlord.command('revoke', '--user', 'alice'))
                began = time.monotonic()
                client.wait_for('a refusal', lambda: self.status() in REFUSED,
                                CACHED + FRESH + MARGIN)
                # NOTE: each process has seen another token.
                time.sleep(max(0, began + CACHED + FRESH - time.monotonic()))
                for below in ('', '/file'):
                    self.assertIn(self.status(below), REFUSED)
                listed = self.alice.api('image').get('/v2/images')
                self.assertEqual(200, listed.status_code)
                self.assertNotIn(self.image_id, [
                    each['id'] for each in listed.json()['images']])
            client.wait_for('alice to be let in', lambda: (
                self.status() == 200))
