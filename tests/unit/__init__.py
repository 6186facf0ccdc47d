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

from unittest import mock

# NOTE: Nova up to 2025.2 patches its process with eventlet as soon as its API
# is imported. Do so before anything else, as nova-api does.
import nova.api.openstack.wsgi
from nova import objects as nova_objects
import nova.rpc
import nova.volume.cinder  # noqa: F401
from oslo_config import cfg

nova_objects.register_all()

# NOTE: Nova and Cinder register different options of the same name; in a
# cloud they do not share a process. Here Cinder gets its own configuration.
with mock.patch.object(cfg, 'CONF', cfg.ConfigOpts()):
    import cinder.api.openstack.wsgi  # noqa: F401
    from cinder import objects as cinder_objects
    cinder_objects.register_all()
