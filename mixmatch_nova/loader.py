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

"""Load the plugin when nova.conf is read.

Nova has no plugin point in all of its processes but this one: a source of
configuration, which oslo.config opens at the end of reading the files, before
any manager, database or message bus is made::

    [DEFAULT]
    config_source = mixmatch

    [mixmatch]
    driver = mixmatch

Oslo.config imports this module in each process that uses any source, so it
imports nothing of Nova; and it logs what a driver raises and goes on, so
what must stop the process is a SystemExit.
"""

from typing import Any

from oslo_config import cfg
from oslo_config import sources

#: The processes that read nova.conf but are not Nova (the root privsep
#: daemon is project "privsep"; an early parse has none) are left alone.
PROJECT = 'nova'


class EmptySource(sources.ConfigurationSource):
    """A source that has no options: loading the plugin is the point."""

    def get(self, group_name: str, option_name: str, opt: Any
            ) -> tuple[Any, Any]:
        return (sources._NoValue, None)


class ConfigDriver(sources.ConfigurationSourceDriver):
    """The driver ``mixmatch`` of namespace ``oslo.config.driver``."""

    def open_source_from_opt_group(
            self, conf: cfg.ConfigOpts, group_name: str
    ) -> sources.ConfigurationSource:
        """Patch this process.

        :param conf: the configuration that has just been read
        :param group_name: the section that named this driver
        :raises SystemExit: the installed Nova is not one that the patches
            fit; a Nova that is half patched would lose attachments
        """
        if conf.project == PROJECT:
            try:
                # NOTE: an import may fail as well: with another Nova.
                from mixmatch_nova import plugin
                plugin.load(conf)
            except Exception as exc:
                raise SystemExit(
                    f'mixmatch cannot be loaded into this Nova: {exc}. '
                    'Install a version of mixmatch that supports this '
                    'release, or remove "mixmatch" from config_source in '
                    'nova.conf (servers then lose access to volumes of '
                    'other clouds).') from exc
        return EmptySource()

    def list_options_for_discovery(self) -> list[Any]:
        return []
