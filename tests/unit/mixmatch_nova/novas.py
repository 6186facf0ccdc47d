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

"""Nova with the plugin in it, and the part of its database that it uses."""

import fixtures
from nova.db.main import api as nova_db
from nova import service_auth
from oslo_config import cfg

import mixmatch.conf
from mixmatch_nova import plugin
from tests import databases


class NovaDatabase(fixtures.Fixture):
    """Nova's mappings, its log of tasks and its actions, in memory."""

    def _setUp(self):
        manager = databases.in_memory()
        self.addCleanup(nova_db.context_manager.patch_factory(manager))
        for model in (nova_db.models.BlockDeviceMapping,
                      nova_db.models.TaskLog,
                      nova_db.models.InstanceAction,
                      nova_db.models.InstanceActionEvent):
            model.__table__.create(manager.writer.get_engine())


class PatchedNova(fixtures.Fixture):
    """Nova with the plugin in it; afterwards as it was.

    :param conf: the configuration
    """

    def __init__(self, conf):
        super().__init__()
        self._conf = conf

    def _setUp(self):
        self.useFixture(NovaLeftAlone())
        plugin.load(self._conf)
        self.clouds = plugin.loaded().clouds
        # What was begun must not go on in the next test.
        self.addCleanup(
            lambda: self.clouds._process.fanout.shutdown())


class NovaLeftAlone(fixtures.Fixture):
    """Fixture that undoes all patches of a test."""

    def _setUp(self):
        conf = cfg.ConfigOpts()
        mixmatch.conf.register_opts(conf)
        for each in plugin.Plugin(conf).patches():
            owner, name = each.symbol.owner(), each.symbol.attribute
            if name in vars(owner):
                self.addCleanup(setattr, owner, name, vars(owner)[name])
            else:
                # Inherited: the patch puts it where nothing was.
                self.addCleanup(_forget, owner, name)
        self.addCleanup(service_auth.reset_globals)


def _forget(owner, name):
    if name in vars(owner):
        delattr(owner, name)
