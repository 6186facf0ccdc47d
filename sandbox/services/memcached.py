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

"""A memcached for a cloud's Keystone; home's Nova and Cinder share it.

NOTE: two Keystones must not share one: their keys collide.
"""

from sandbox import health
from sandbox import model
from sandbox import state
from sandbox import topology


def render(site: state.Site, cloud: model.Cloud) -> None:
    """Write nothing: memcached has no configuration."""


def nodes(site: state.Site, cloud: model.Cloud) -> list[model.Node]:
    """One process."""
    port = topology.port(cloud, 'memcached')
    return [model.Service(
        cloud.name, 'memcached',
        ('memcached', '-l', '127.0.0.1', '-p', str(port), '-U', '0', '-u',
         'nobody', '-m', '64'), health.Port(port), ports=(port,))]
