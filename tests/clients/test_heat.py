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

"""Heat: a stack with a server, a volume, and the volume in the server."""

import pathlib
import sys

from sandbox import client
from tests.clients import heat
from tests.clients import stories

TEMPLATE = pathlib.Path(__file__).with_name('stack.yaml')
OPENSTACK = pathlib.Path(sys.executable).with_name('openstack')


class TestHeat(stories.Story):

    has_server = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enterClassContext(heat.Heat(cls.sandbox))

    def stack(self, verb, *argv):
        """``openstack stack``, of the test's own environment."""
        return client.run(str(OPENSTACK), 'stack', verb, *argv,
                          env=self.alice.environment)

    def must(self, *argv):
        return client.must(self.stack(*argv))

    def states(self, name):
        return sorted(
            (each['resource_name'], each['resource_type'],
             each['resource_status'])
            for each in self.must('resource', 'list', '-f', 'json',
                                  name).json)

    def outputs(self, name):
        return {each['output_key']: each['output_value']
                for each in self.must('show', '-f', 'json', name).json[
                    'outputs']}

    def tell(self, zone):
        name = f'heat-{zone}'
        self.addCleanup(self.stack, 'delete', '--yes', '--wait', name)
        parameters = '--parameter', f'zone={zone}', '--parameter'
        self.must('create', '--wait', '-t', str(TEMPLATE), *parameters,
                  'size=1', name)
        yield 'made', self.states(name)
        outputs = self.outputs(name)
        volume_id = outputs['volume']
        yield 'outputs', outputs
        yield 'volume', self.volume(None, volume_id)
        self.must('update', '--wait', '-t', str(TEMPLATE), *parameters,
                  'size=2', name)
        yield 'larger', self.states(name)
        self.assertEqual(volume_id, self.outputs(name)['volume'])
        self.assertEqual(2, self.volume(None, volume_id)['size'])
        self.assertEqual('in-use', self.volume(None, volume_id)['status'])
        self.must('check', '--wait', name)
        yield 'checked', self.states(name)
        self.must('delete', '--yes', '--wait', name)
        yield 'show what is gone', self.alice.api('block-storage').get(
            f'/volumes/{volume_id}').status_code

    def test_a_life(self):
        self.compare()
