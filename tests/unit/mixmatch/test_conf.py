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

"""The options: what operators write and what holds when they do not."""

from mixmatch import conf as mixmatch_conf
from tests.unit import base
from tests.unit import fixtures


class TestConf(base.TestCase):

    def read(self, text):
        conf = fixtures.configuration(self, text)
        mixmatch_conf.register_opts(conf)
        return conf

    def test_no_other_cloud_unless_named(self):
        self.assertEqual([], self.read('').mixmatch.service_providers)

    def test_a_section_for_each_service_provider(self):
        conf = self.read(
            '[mixmatch]\nservice_providers = bu, mit\n'
            '[service_provider:bu]\nproject_name = {project_id}\n')
        self.assertEqual('{project_id}',
                         conf['service_provider:bu'].project_name)
        self.assertIsNone(conf['service_provider:mit'].project_name)

    def test_defaults_of_a_service_provider(self):
        conf = self.read('[mixmatch]\nservice_providers = bu\n')
        bu = conf['service_provider:bu']
        self.assertEqual('block-storage', bu.service_type)
        self.assertEqual(['public'], bu.valid_interfaces)
        self.assertEqual((5, 30), (bu.connect_timeout, bu.read_timeout))
        self.assertFalse(bu.insecure)

    def test_defaults_of_locations(self):
        options = self.read('').mixmatch
        self.assertEqual((10_000, 3600), (options.location_cache_size,
                                          options.location_cache_time))

    def test_credentials_are_those_of_service_user(self):
        self.assertEqual('service_user',
                         self.read('').mixmatch.auth_section)

    def test_can_be_registered_again(self):
        conf = self.read('[mixmatch]\nservice_providers = bu\n')
        mixmatch_conf.register_opts(conf)

    def test_every_option_is_listed_and_explained(self):
        listed = dict(mixmatch_conf.list_opts())
        self.assertEqual({'mixmatch', 'service_provider:NAME'}, set(listed))
        for opts in listed.values():
            for opt in opts:
                self.assertTrue(opt.help, opt.name)

    def test_every_registered_option_is_listed(self):
        conf = self.read('[mixmatch]\nservice_providers = NAME\n')
        for group, opts in mixmatch_conf.list_opts():
            self.assertEqual(set(conf[group]), {opt.dest for opt in opts})
