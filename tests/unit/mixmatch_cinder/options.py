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

"""Test of the options of a module, for both sides."""

from collections.abc import Callable
from typing import Any

from oslo_config import cfg


class OptionsMixin:
    """Registers the options of a module, and tests that they are documented.
    """

    #: The module of the options.
    options: Any = None
    #: Of the test case.
    assertEqual: Callable[..., None]
    assertTrue: Callable[..., None]

    def setUp(self):
        super().setUp()
        self.conf = self._conf()
        self.options.register_opts(self.conf)

    @staticmethod
    def _conf() -> cfg.ConfigOpts:
        conf = cfg.ConfigOpts()
        conf([], default_config_files=[], default_config_dirs=[])
        return conf

    def test_every_registered_option_is_listed_and_explained(self):
        listed = dict(self.options.list_opts())
        # NOTE: iterating DEFAULT gives the other groups as well.
        self.assertEqual(set(self.conf), {
            opt.dest for opt in listed.pop('DEFAULT', ())} | {
            *self._conf(), *listed})
        for group, opts in listed.items():
            self.assertEqual(set(self.conf[group]),
                             {opt.dest for opt in opts})
        for _, opts in self.options.list_opts():
            for opt in opts:
                self.assertTrue(opt.help, opt.name)

    def test_can_be_registered_again(self):
        self.options.register_opts(self.conf)
