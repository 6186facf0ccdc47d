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

"""S2: a Nova process without the plugin can lose nothing.

An operator forgets one line on one host, or an upgrade brings a Nova that the
plugin does not know.
"""

import contextlib

from sandbox import client
from sandbox import paste
from sandbox import topology
from tests.scenario import base


class WithoutPlugin(base.ServerScenario):
    """Base of the tests that run a service of moc without the plugin."""

    @classmethod
    def running_without_plugin(cls, service, file_name):
        """Take the plugin out of one service's nova.conf for a while."""
        return cls.configured(service, file_name, 'DEFAULT',
                               r'config_source\s*=.*', '')


class TestComputeWithoutPlugin(WithoutPlugin):
    """Volumes attached before, and operations while the plugin is missing."""

    stack: contextlib.ExitStack
    other_server: str
    wanted: str
    rebooted: str
    detached: str
    deleted: str

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_server = cls.new_server()
        (cls.wanted, cls.rebooted, cls.detached, cls.deleted) = (
            cls.class_volume(cls.provider) for _ in range(4))
        for server, volume in ((cls.server, cls.rebooted),
                               (cls.server, cls.detached),
                               (cls.other_server, cls.deleted)):
            cls.attach_by_command(server, volume)
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        cls.stack.enter_context(cls.running_without_plugin(
            'nova-compute', 'nova-cpu.conf'))

    @classmethod
    def tearDownClass(cls):
        """With the plugin back, all of it works."""
        cls.stack.close()
        try:
            cls.attach_by_command(cls.server, cls.wanted)
            nova = cls.alice.api('compute')
            url = f'/servers/{cls.server}/os-volume_attachments'
            for volume in (cls.wanted, cls.rebooted, cls.detached):
                response = nova.delete(f'{url}/{volume}')
                assert response.status_code == 202, response.text
            client.wait_for('Nova to forget the volumes', lambda: not (
                nova.get(url).json()['volumeAttachments']))
        finally:
            super().tearDownClass()

    @classmethod
    def attach_by_command(cls, server, volume):
        client.must(cls.alice.nova('volume-attach', server,
                                   f'{volume}@{cls.provider}'))
        cinder = cls.alice.api('block-storage', at=cls.provider)
        client.wait_for(f'volume {volume} in-use', lambda: (
            cinder.get(f'/volumes/{volume}').json()['volume']['status']
            == 'in-use'))

    def test_attach_is_refused_and_nothing_reserved(self):
        before = self.mappings()
        response = self.attach({'volumeAttachment': {
            'volumeId': self.wanted, 'serviceProvider': self.provider}})
        self.assertEqual(400, response.status_code, response.text)
        self.assertIn('mixmatch', response.text)
        self.assert_untouched(self.provider, self.wanted)
        self.assertEqual(before, self.mappings())

    def test_reboot_does_not_lose_the_disk(self):
        self.nova.post(f'/servers/{self.server}/action',
                       json={'reboot': {'type': 'HARD'}})
        client.wait_for('the reboot to end', self.reboot_ended)
        self.assertEqual(
            {self.rebooted: self.provider, self.detached: self.provider},
            {each['volumeId']: each['serviceProvider']
             for each in self.mappings()})
        self.assert_attached(self.rebooted)
        self.assert_attached(self.detached)

    def test_detach_is_rolled_back(self):
        response = self.nova.delete(f'{self.url}/{self.detached}')
        self.assertEqual(202, response.status_code, response.text)
        self.wait_for_status(self.provider, self.detached, 'in-use')
        self.assert_attached(self.detached)

    def test_server_that_is_deleted_leaves_nothing(self):
        self.delete_server(self.other_server)
        self.wait_for_status(self.provider, self.deleted, 'available')
        self.assert_untouched(self.provider, self.deleted)

    def assert_attached(self, volume):
        self.assertEqual(1, len(self.attachments_at(self.provider, volume)))
        self.assertEqual('in-use',
                         self.volume(self.provider, volume)['status'])

    def reboot_ended(self):
        server = self.nova.get(f'/servers/{self.server}').json()['server']
        (reboot,) = [
            action for action in self.nova.get(
                f'/servers/{self.server}/os-instance-actions').json()[
                    'instanceActions'] if action['action'] == 'reboot'][:1]
        events = self.nova.get(
            f'/servers/{self.server}/os-instance-actions/'
            f'{reboot["request_id"]}').json()['instanceAction']['events']
        return (server['OS-EXT-STS:task_state'] is None
                and all(event['finish_time'] for event in events))


class TestApisWithoutPlugin(WithoutPlugin):

    foreign: str

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.foreign = cls.class_volume(cls.provider)

    def test_nothing_is_attached_and_both_are_told(self):
        volume = self.foreign
        with self.running_without_plugin('nova-api', 'nova.conf'):
            for attachment in ({'volumeId': volume,
                                'serviceProvider': self.provider},
                               {'volumeId': f'{volume}@{self.provider}'}):
                response = self.attach({'volumeAttachment': attachment})
                self.assertEqual(400, response.status_code, response.text)
                self.assertIn('mixmatch', response.text)
            # What is home's works as ever.
            self.assertEqual([], self.mappings())
            self.assert_refused_by_cinder(volume)
        self.assert_untouched(self.provider, volume)

    def assert_refused_by_cinder(self, volume):
        """The user finds the volume, and Nova does not know where it is."""
        result = self.alice.openstack('server', 'add', 'volume', self.server,
                                      volume)
        self.assertEqual(1, result.code, str(result))
        for words in (f'service provider {self.provider}',
                      'runs without mixmatch', 'operator of this cloud',
                      'config_source = mixmatch'):
            self.assertIn(words, result.err)
        self.assertEqual([], self.mappings())
        log = self.sandbox.site.log(self.home, 'cinder-api').read_text()
        line = next(each for each in reversed(log.splitlines())
                    if 'runs without mixmatch' in each)
        for words in ('ERROR', 'python-cinderclient', 'POST /attachments',
                      f'service provider {self.provider}'):
            self.assertIn(words, line)

    def test_cinder_has_lost_the_filter(self):
        """Only a user who names the provider reaches it."""
        volume = self.foreign
        with paste.changed(self.sandbox, self.home,
                           lambda text: text.replace(' mixmatch ', ' ')):
            cinder = self.alice.api('block-storage')
            path = f'/volumes/{volume}'
            self.assertEqual(404, cinder.get(path).status_code)
            self.assertNotIn(volume, cinder.get('/volumes').text)
            plain = {'volumeAttachment': {'volumeId': volume}}
            response = self.attach(plain)
            self.assertEqual(404, response.status_code, response.text)
            self.assertIn(f'Volume {volume} could not be found',
                          response.text)
            plain['volumeAttachment']['serviceProvider'] = self.provider
            response = self.attach(plain)
            self.assertEqual(200, response.status_code, response.text)
            self.wait_for_attached(self.provider, volume)
            self.detach(self.provider, volume)
        self.assert_untouched(self.provider, volume)


class TestPatchesThatDoNotFit(base.Scenario):

    #: A Nova in which one of the patched names is missing.
    OTHER_NOVA = '''
import sys
from nova.volume import cinder
del cinder.API.attachment_get
from nova.cmd import {module}
sys.argv = ['nova-{module}', '--config-file', {conf!r}]
{module}.main()
'''

    def test_the_process_does_not_start_and_says_why(self):
        etc = self.sandbox.site.etc(topology.by_name(self.home), 'nova')
        for module, conf in (('conductor', 'nova.conf'),
                             ('compute', 'nova-cpu.conf')):
            result = client.run(
                self.sandbox.site.tool('python'), '-c',
                self.OTHER_NOVA.format(module=module, conf=str(etc / conf)))
            self.assertEqual(1, result.code, str(result))
            self.assertIn('mixmatch cannot be loaded into this Nova',
                          result.err)
            self.assertIn('nova.volume.cinder.API.attachment_get', result.err)
