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

"""A process of home's Nova that runs without mixmatch."""

import logging
import uuid

import fixtures as base_fixtures

from mixmatch_cinder.home import without_plugin
from tests.unit import fixtures
from tests.unit.mixmatch_cinder.home import base

FROM_NOVA = {'X-Service-Identity-Status': 'Confirmed',
             'User-Agent': 'python-cinderclient'}
KNOWN = {**FROM_NOVA, 'OpenStack-Mixmatch-Known-Here': 'true'}


class TestReports(base.RealCinderTestCase):

    def setUp(self):
        super().setUp()
        self.clock = self.useFixture(fixtures.Clock())
        self.another_process()
        self.log = self.useFixture(base_fixtures.FakeLogger(
            level=logging.ERROR))
        self.volume = self.cinders.bu.add()

    def attach(self):
        response = self.send('/attachments', 'POST', headers=FROM_NOVA, body={
            'attachment': {'volume_uuid': self.volume,
                           'instance_uuid': str(uuid.uuid4())}})
        self.assertEqual(400, response.status_int)
        return response.json['badRequest']['message']

    def test_the_user_is_told_what_is_wrong(self):
        said = self.attach()
        for words in ('service provider bu', 'without mixmatch',
                      'config_source = mixmatch in nova.conf',
                      'operator of this cloud'):
            self.assertIn(words, said)

    def test_the_operator_is_told_once_in_a_while(self):
        self.attach()
        self.attach()
        line, = self.log.output.splitlines()
        for words in ('python-cinderclient', self.volume, 'bu',
                      'POST /attachments', 'config_source = mixmatch'):
            self.assertIn(words, line)
        self.clock.let_pass(without_plugin.PAUSE + 1)
        self.attach()
        self.assertEqual(2, len(self.log.output.splitlines()))


class TestKnownHere(base.RealCinderTestCase):
    """Nova asks if an id is home's before it lets a user name a cloud."""

    def known(self, volume_id, headers=KNOWN):
        return self.send(f'/volumes/{volume_id}', headers=headers).status_int

    def test_of_home(self):
        for volume in (self.cinders.home.add(),
                       self.cinders.home.add(project_id='somebody')):
            self.assertEqual(409, self.known(volume))
            self.cinders.home.delete(volume)
            self.assertEqual(409, self.known(volume))

    def test_of_others(self):
        self.assertEqual(404, self.known(self.cinders.bu.add()))
        self.assertEqual([], self.cinders.asked)

    def test_users_learn_nothing_by_it(self):
        volume = self.cinders.home.add(project_id='somebody')
        self.assertEqual(404, self.known(volume, {
            'OpenStack-Mixmatch-Known-Here': 'true'}))
