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

"""Access to the storage of a cloud, past all services."""

import json
import subprocess

from sandbox import model
from sandbox import state


def read(site: state.Site, cloud: model.Cloud, volume_id: str, offset: int,
         size: int) -> bytes:
    """Bytes of a volume, from the Ceph of its cloud.

    :param offset: in bytes
    :param size: in bytes
    """
    conf = site.etc(cloud, 'ceph') / 'ceph.conf'
    with subprocess.Popen(
            ['rbd', '-c', str(conf), 'export', '--no-progress',
             f'volumes/volume-{volume_id}', '-'],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as export:
        assert export.stdout is not None
        export.stdout.read(offset)
        data = export.stdout.read(size)
        export.kill()
    return data


def watched(site: state.Site, cloud: model.Cloud, volume_id: str) -> bool:
    """Return whether a client, such as a guest, has a volume open."""
    conf = site.etc(cloud, 'ceph') / 'ceph.conf'
    status = subprocess.run(
        ['rbd', '-c', str(conf), 'status', '--format', 'json',
         f'volumes/volume-{volume_id}'],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return bool(json.loads(status.stdout)['watchers'])
