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

"""One module per service: its configuration, its tasks, its processes.

Each has ``render(site, cloud)``, which writes configuration, and
``nodes(site, cloud)``, which returns what to run and in which order.
"""

import importlib
import types

from sandbox import model
from sandbox import state


def module(name: str) -> types.ModuleType:
    """The module of a component that the topology names."""
    return importlib.import_module(f'sandbox.services.{name}')


def render(site: state.Site) -> None:
    """Write the configuration of every component of every cloud."""
    for cloud in site.clouds:
        for name in site.components(cloud):
            module(name).render(site, cloud)


def nodes(site: state.Site) -> list[model.Node]:
    """Everything that makes up the clouds."""
    return [node
            for cloud in site.clouds
            for name in site.components(cloud)
            for node in module(name).nodes(site, cloud)]
