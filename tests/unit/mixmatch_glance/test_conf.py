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

"""Options of home's glance-api."""

import logging

from mixmatch.conf import home
from mixmatch_glance import conf
from tests.unit import base
from tests.unit import fixtures
from tests.unit.mixmatch_cinder import options


class TestConf(options.OptionsMixin, base.TestCase):

    options = conf

    def test_all_values_can_be_logged(self):
        """Glance does so at its start with debug."""
        conf = fixtures.configuration(self, '')
        home.register_opts(conf)
        self.options.register_opts(conf)
        conf.log_opt_values(logging.getLogger(), logging.DEBUG)
        self.assertEqual('/var/lib/glance/mixmatch-status',
                         conf.mixmatch.status_directory)

    def test_defaults(self):
        self.assertEqual(['member', 'reader'],
                         self.conf.mixmatch.image_property_roles)
