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

"""The options of service providers that only home's Nova reads."""

from oslo_config import cfg

from mixmatch import conf as mixmatch_conf
from mixmatch_nova import conf as options
from tests.unit import base
from tests.unit import fixtures


class TestConf(base.TestCase):

    def read(self, text):
        conf = fixtures.configuration(self, text)
        mixmatch_conf.register_opts(conf, options.OPTS)
        return conf

    def test_defaults(self):
        bu = self.read('[mixmatch]\nservice_providers = bu\n')[
            'service_provider:bu']
        self.assertEqual((['rbd'], [], [], None), (
            bu.connection_types, bu.storage_portals, bu.storage_names,
            bu.rbd_secret_uuid))

    def test_every_option_is_listed_once_and_explained(self):
        conf = self.read('[mixmatch]\nservice_providers = NAME\n')
        listed = [(group, opt.dest) for group, opts in (
            *mixmatch_conf.list_opts(), *options.list_opts())
            for opt in opts if group == 'service_provider:NAME']
        self.assertCountEqual(listed, [
            ('service_provider:NAME', name)
            for name in conf['service_provider:NAME']])
        for _, opts in options.list_opts():
            for opt in opts:
                self.assertTrue(opt.help, opt.name)

    def test_an_invalid_portal(self):
        conf = self.read('[mixmatch]\nservice_providers = bu\n'
                         '[service_provider:bu]\nstorage_portals = a b\n')
        self.assertRaises(cfg.ConfigFileValueError, getattr,
                          conf['service_provider:bu'], 'storage_portals')

    def test_can_be_registered_again(self):
        conf = self.read('[mixmatch]\nservice_providers = bu\n')
        mixmatch_conf.register_opts(conf, options.OPTS)
