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

"""Options of home's cinder-api."""

from oslo_config import cfg

from mixmatch_cinder.home import conf as options
from tests.unit import base


class TestConf(base.TestCase):

    def setUp(self):
        super().setUp()
        self.conf = cfg.ConfigOpts()
        options.register_opts(self.conf)
        self.conf([], default_config_files=[], default_config_dirs=[])

    def test_defaults(self):
        self.assertTrue(self.conf.mixmatch.merge_listings)
        self.assertEqual((10_000, 3600), (
            self.conf.mixmatch.location_cache_size,
            self.conf.mixmatch.location_cache_time))

    def test_every_registered_option_is_listed_and_explained(self):
        [(group, opts)] = options.list_opts()
        self.assertEqual(set(self.conf[group]), {opt.dest for opt in opts})
        for opt in opts:
            self.assertTrue(opt.help, opt.name)

    def test_can_be_registered_again(self):
        options.register_opts(self.conf)
