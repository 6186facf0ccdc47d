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


"""Comparison of two clouds: the volumes and the servers that use them."""

import json
from typing import Any

from sandbox import client
from sandbox import model
from sandbox.services import mariadb
from sandbox import topology

_MAPPINGS = """
select coalesce(json_arrayagg(json_object(
    'volume', b.volume_id, 'server', b.instance_uuid,
    'attachment', b.attachment_id, 'server_gone', i.deleted)), '[]')
from block_device_mapping b join instances i on i.uuid = b.instance_uuid
where b.deleted = 0 and b.volume_type like 'mixmatch:%'
"""


class Audit:
    """Looks as the operators of both clouds do.

    :param sandbox: the clouds
    :param home: the cloud with the servers
    :param cloud: the cloud with the volumes
    """

    def __init__(self, sandbox: client.Sandbox, home: str,
                 cloud: str) -> None:
        self._site = sandbox.site
        self._home: model.Cloud = topology.by_name(home)
        self._cinder = sandbox.user(cloud, 'admin').api(
            'block-storage', version='3.44')

    def complaints(self, volumes: list[str]) -> list[str]:
        """Return the differences; empty if there are none.

        :param volumes: those that must fit
        """
        mappings = json.loads(mariadb.value(
            self._site, self._home, 'nova', _MAPPINGS))
        attachments = self._list('attachments')
        statuses = {each['id']: each['status']
                    for each in self._list('volumes')}
        wrong = []
        for volume_id in volumes:
            wrong += self._compare(
                volume_id, statuses.get(volume_id),
                [each for each in attachments
                 if each['volume_id'] == volume_id],
                [each for each in mappings if each['volume'] == volume_id])
        return wrong

    @staticmethod
    def _compare(volume_id: str, status: str | None,
                 attachments: list[Any], mappings: list[Any]) -> list[str]:
        there = sorted((each['id'], each['instance'], each['status'])
                       for each in attachments)
        here = sorted((each['attachment'], each['server'], 'attached')
                      for each in mappings)
        state = (f'volume {volume_id}: {status}, attachments {there}, '
                 f'mappings {here}')
        if status == 'available' and not there and not here:
            return []
        if status == 'in-use' and len(here) == 1 and there == here:
            gone = [each for each in mappings if each['server_gone']]
            return [f'{state}: of a deleted server'] if gone else []
        return [state]

    def _list(self, what: str) -> list[Any]:
        response = self._cinder.get(f'/{what}/detail?all_tenants=1')
        assert response.status_code == 200, response.text
        return response.json()[what]
