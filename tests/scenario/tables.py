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

"""Rows of the databases of the clouds, where no API makes what is wanted."""

import subprocess

from sandbox import topology


def execute(cloud: str, component: str, statement: str) -> None:
    """Have the database of a component execute a statement."""
    port = topology.port(topology.SHARED, 'mariadb')
    subprocess.run(
        ['mariadb', '--protocol=tcp', '--host=127.0.0.1', f'--port={port}',
         f'--user={cloud}',
         f'--password={topology.by_name(cloud).password("db")}',
         '--default-character-set=utf8mb4', f'{cloud}_{component}'],
        input=statement.encode(), check=True, timeout=60)


def put_in_zone(cloud: str, volume_id: str, zone: str) -> None:
    """Have a volume be in an availability zone of its cloud."""
    execute(cloud, 'cinder', 'UPDATE volumes SET availability_zone = '
            f"'{zone}' WHERE id = '{volume_id}'")
