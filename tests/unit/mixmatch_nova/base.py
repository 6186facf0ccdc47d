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

"""Base classes of the tests of the Nova plugin."""

from nova import context as nova_context

from mixmatch_nova import block_device
from mixmatch_nova import state
from mixmatch_nova import target
from tests.unit import base
from tests.unit import fixtures
from tests.unit.mixmatch_nova import novas

SERVER = '5d6c1a0e-2f3b-4c55-9d6a-0f4f1d7f1b01'
#: The same as text and as data in all tests.
HOME_VOLUME = '11111111-0000-4000-8000-000000000001'
VOLUME = '22222222-0000-4000-8000-000000000002'
ATTACHMENT = '33333333-0000-4000-8000-000000000003'
AT_BU = target.Target('bu', 'id-of-research')
#: What the block device mapping of a volume there remembers.
MARKER = block_device.marker(AT_BU)

CINDER_CONF = """
[cinder]
catalog_info = volumev3::publicURL
"""


class NovaTestCase(base.TestCase):
    """A Nova process of home, with the plugin, and another cloud."""

    names: tuple[str, ...] = ('bu',)
    more = ''

    def setUp(self):
        super().setUp()
        self.clouds = self.useFixture(fixtures.TwoClouds(*self.names))
        self.home, self.bu = self.clouds.home, self.clouds.bu
        self.conf = fixtures.configuration(
            self, fixtures.text(*self.names, more=self.more) + CINDER_CONF,
            nova_conf=True)
        self.federation = self.useFixture(
            novas.PatchedNova(self.conf)).clouds

    def context(self, user='alice', **kwargs):
        """The context of a user's request."""
        kwargs = {'auth_token': self.home.token(user), 'is_admin': False,
                  **kwargs}
        return nova_context.RequestContext(
            f'home-id-of-{user}', f'home-id-of-{self.home.projects[user]}',
            overwrite=False, service_catalog=[{
                'type': 'volumev3', 'name': 'cinderv3', 'endpoints': [
                    {'publicURL': self.home.cinder_url}]}], **kwargs)

    def foreign_context(self, user='alice', **kwargs):
        """The context of a request that knows where the volume lives."""
        context = self.context(user, **kwargs)
        state.from_context(context).remember_target(VOLUME, AT_BU)
        state.from_context(context).remember_target(ATTACHMENT, AT_BU)
        return context

    def unpatched_context(self, **kwargs):
        """Return a context as a Nova process without the plugin sends it."""
        values = self.context(**kwargs).to_dict()
        del values['mixmatch']
        return nova_context.RequestContext.from_dict(values)

    def asked(self, host):
        """Return the requests that a Cinder got, without the version."""
        return [f'{each.method} {each.path.removeprefix("/v3")}'
                for each in self.clouds.sent_to(host, port=8776)
                if each.path not in ('/', '/v3', '/v3/')]
