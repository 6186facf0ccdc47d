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

"""Ansible's collection openstack.cloud: a playbook, and once more."""

import json
import pathlib
import sys

import fixtures

from sandbox import client
from tests.clients import stories

#: Of those that make something: a second run has nothing left to do.
PLAYBOOK = pathlib.Path(__file__).with_name('playbook.yaml')
UNDO = pathlib.Path(__file__).with_name('playbook_undo.yaml')


class TestAnsible(stories.Story):

    def play(self, playbook, zone):
        """Run a playbook.

        :returns: for each task whether it changed something, and what it
            says of the volume
        """
        more = {'zone': zone, 'server': self.server,
                'name_of_it': f'ansible-{zone}',
                # It has openstacksdk.
                'ansible_python_interpreter': sys.executable}
        folder = self.useFixture(fixtures.TempHomeDir()).path
        # NOTE: openstack.cloud 2.5.0 expects openstacksdk to have imported it.
        pathlib.Path(folder, 'sitecustomize.py').write_text(
            'import openstack.version\n')
        found = client.run(
            'ansible-playbook', '--inventory', 'localhost,', '--connection',
            'local', '--extra-vars', json.dumps(more), str(playbook),
            env={**self.alice.environment,
                 'ANSIBLE_STDOUT_CALLBACK': 'ansible.posix.json',
                 'ANSIBLE_LOCALHOST_WARNING': 'false', 'HOME': folder,
                 'PYTHONPATH': folder})
        self.assertEqual(0, found.code, str(found))
        played = json.loads(found.out[found.out.index('{'):])
        return [(task['task']['name'], each['changed'],
                 {key: each[key] for key in (
                     'volume', 'volumes', 'snapshot') if key in each})
                for play in played['plays'] for task in play['tasks']
                for each in task['hosts'].values()]

    def tell(self, zone):
        yield 'first time', self.play(PLAYBOOK, zone)
        again = self.play(PLAYBOOK, zone)
        self.assertEqual([], [name for name, changed, _ in again if changed])
        yield 'second time', again
        # NOTE: once only. That a volume is gone is an error to
        # "server_volume", of whichever cloud it was.
        yield 'undo', self.play(UNDO, zone)

    def test_a_life(self):
        self.compare()
