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

from sandbox import topology
from tests.functional import base
from tests.functional import clouds


class WithoutPlugin(base.ServerScenario):
    """What lets one of moc's services run without the plugin."""

    def running_without_plugin(self, service, file_name):
        """Take the plugin out of one service's nova.conf for a while."""
        return self.configured(service, file_name, 'DEFAULT',
                               r'config_source\s*=.*', '')


class TestComputeWithoutPlugin(WithoutPlugin):

    def test_attach_is_refused_and_nothing_reserved(self):
        volume = self.volume_at('bu')
        with self.running_without_plugin('nova-compute', 'nova-cpu.conf'):
            response = self.attach({'volumeAttachment': {
                'volumeId': volume, 'serviceProvider': 'bu'}})
            self.assertEqual(400, response.status_code, response.text)
            self.assertIn('mixmatch', response.text)
            self.assert_untouched('bu', volume)
            self.assertEqual([], self.mappings())
        # With the plugin back, it works.
        clouds.must(self.alice.nova('volume-attach', self.server,
                                    f'{volume}@bu'))
        self.wait_for_attached('bu', volume)
        self.detach('bu', volume)

    def test_reboot_does_not_lose_the_disk(self):
        volume = self.volume_at('bu')
        clouds.must(self.alice.nova('volume-attach', self.server,
                                    f'{volume}@bu'))
        self.wait_for_attached('bu', volume)
        with self.running_without_plugin('nova-compute', 'nova-cpu.conf'):
            self.nova.post(f'/servers/{self.server}/action',
                           json={'reboot': {'type': 'HARD'}})
            clouds.wait_for('the reboot to end', self.reboot_ended)
            self.assertEqual(['bu'], [each['serviceProvider']
                                      for each in self.mappings()])
            self.assertEqual(1, len(self.attachments_at('bu', volume)))
            self.assertEqual('in-use', self.volume('bu', volume)['status'])
        self.detach('bu', volume)
        self.assert_untouched('bu', volume)

    def test_detach_is_rolled_back(self):
        volume = self.volume_at('bu')
        clouds.must(self.alice.nova('volume-attach', self.server,
                                    f'{volume}@bu'))
        self.wait_for_attached('bu', volume)
        with self.running_without_plugin('nova-compute', 'nova-cpu.conf'):
            response = self.nova.delete(f'{self.url}/{volume}')
            self.assertEqual(202, response.status_code, response.text)
            self.wait_for_status('bu', volume, 'in-use')
            self.assertEqual(1, len(self.attachments_at('bu', volume)))
        self.detach('bu', volume)
        self.assert_untouched('bu', volume)

    def test_server_that_is_deleted_leaves_nothing(self):
        volume = self.volume_at('bu')
        server = self.new_server()
        response = self.nova.post(
            f'/servers/{server}/os-volume_attachments', json={
                'volumeAttachment': {'volumeId': volume,
                                     'serviceProvider': 'bu'}})
        self.assertEqual(200, response.status_code, response.text)
        self.wait_for_attached('bu', volume)
        with self.running_without_plugin('nova-compute', 'nova-cpu.conf'):
            self.delete_server(server)
            self.wait_for_status('bu', volume, 'available')
        self.assert_untouched('bu', volume)

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


class TestApiWithoutPlugin(WithoutPlugin):

    def test_the_option_is_not_served(self):
        volume = self.volume_at('bu')
        with self.running_without_plugin('nova-api', 'nova.conf'):
            for attachment in ({'volumeId': volume, 'serviceProvider': 'bu'},
                               {'volumeId': f'{volume}@bu'}):
                response = self.attach({'volumeAttachment': attachment})
                self.assertEqual(400, response.status_code, response.text)
                self.assertIn('mixmatch', response.text)
            # What is home's works as ever.
            self.assertEqual([], self.mappings())
        self.assert_untouched('bu', volume)


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
        etc = self.sandbox.site.etc(topology.by_name('moc'), 'nova')
        for module, conf in (('conductor', 'nova.conf'),
                             ('compute', 'nova-cpu.conf')):
            result = clouds.run(
                self.sandbox.site.tool('python'), '-c',
                self.OTHER_NOVA.format(module=module, conf=str(etc / conf)))
            self.assertEqual(1, result.code, str(result))
            self.assertIn('mixmatch cannot be loaded into this Nova',
                          result.err)
            self.assertIn('nova.volume.cinder.API.attachment_get', result.err)
