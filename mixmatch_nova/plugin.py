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

"""The state of mixmatch in a Nova process, and all of its patches."""

from oslo_config import cfg

from mixmatch import federation
from mixmatch import patch
from mixmatch_nova import conf as nova_conf
from mixmatch_nova.patches import block_device_mapping
from mixmatch_nova.patches import cinderclient
from mixmatch_nova.patches import compute_api
from mixmatch_nova.patches import compute_manager
from mixmatch_nova.patches import context
from mixmatch_nova.patches import db_api
from mixmatch_nova.patches import driver_block_device
from mixmatch_nova.patches import image
from mixmatch_nova.patches import manager
from mixmatch_nova.patches import new_server
from mixmatch_nova.patches import unfinished_attach
from mixmatch_nova.patches import volume_api
from mixmatch_nova.patches import volume_release
from mixmatch_nova.patches import volume_sources
from mixmatch_nova.patches import volume_view
from mixmatch_nova.reconcile import intent_log
from mixmatch_nova.reconcile import pending
from mixmatch_nova.reconcile import periodic
from mixmatch_nova.reconcile import recovery


class Plugin:
    """The state of mixmatch in one process: the clouds, the logins,
    and the volumes that are pending.

    :param conf: Nova's configuration
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self.clouds = federation.Federation(conf, nova_conf.OPTS)
        self.pending = pending.Queue(
            self.clouds, lasting=getattr(conf, 'prog', None) != 'nova-manage')

    def patches(self) -> list[patch.Patch]:
        intents = intent_log.IntentLog()
        after = recovery.Recovery(self.clouds, self.pending, intents)
        return [*context.patches(),
                *block_device_mapping.patches(),
                *compute_api.patches(),
                *new_server.patches(),
                *driver_block_device.patches(self.pending),
                *compute_manager.patches(intents),
                *manager.patches(periodic.PeriodicTask(self.pending, after)),
                *unfinished_attach.patches(self.pending),
                *db_api.patches(self.pending),
                *volume_api.patches(volume_release.Router(
                    self.clouds, self.pending)),
                *volume_sources.patches(self.clouds, self.pending),
                *volume_view.patches(),
                *image.patches(),
                *cinderclient.patches(self.clouds)]

    @staticmethod
    def called() -> tuple[patch.Symbol, ...]:
        """Return the private functions of Nova that are called."""
        return (*compute_api.CALLED, *image.CALLED, *recovery.CALLED)


def load(conf: cfg.ConfigOpts) -> None:
    """Put the plugin into this process, once.

    :param conf: Nova's configuration
    :raises mixmatch.patch.DoesNotFit: the installed Nova is not the
        one that the patches were written for; nothing is patched then
    """
    if loaded() is None:
        plugin = Plugin(conf)
        patches = plugin.patches()
        for each in plugin.called():
            each.check()
        patch.apply(plugin, patches)


def loaded() -> Plugin | None:
    """The plugin of this process; None where nova.conf does not enable it.
    """
    return patch.owner_of(context.TO_DICT)
