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

"""The target of a volume or an attachment: a cloud, and a project in it."""

import dataclasses

from mixmatch import exceptions


@dataclasses.dataclass(frozen=True)
class Target:
    """A cloud and a project in it.

    :param service_provider: the id of the service provider
    :param project_id: the project there that owns the volume; None until a
        login has told it
    """

    service_provider: str
    project_id: str | None = None

    def __str__(self) -> str:
        return f'{self.service_provider}:{self.project_id or ""}'

    @classmethod
    def parse(cls, text: str) -> 'Target':
        # NOTE: the id of a service provider may hold a colon, that of a
        # project may not.
        service_provider, _, project_id = text.rpartition(':')
        return cls(service_provider, project_id or None)


@dataclasses.dataclass(frozen=True)
class Subject:
    """The volume and the server that a request was about.

    :param target: a cloud and the project of the volume there
    :param volume_id: of the other cloud; None if only an attachment is known
    :param server_id: of home
    """

    target: Target
    volume_id: str | None
    server_id: str | None

    def __str__(self) -> str:
        return (f'volume {self.volume_id} at service provider '
                f'{self.target.service_provider} (server {self.server_id})')


#: Home is a target too: an id that was seen to be home's stays home's.
HOME = Target('')


class ConflictingTargets(exceptions.MixmatchException):
    """The same id was seen at two clouds in one request.

    A service provider chooses the ids of its volumes, and must not be able
    to draw requests for a volume of home to itself.
    """

    msg_fmt = ('%(resource_id)s is reported by more than one cloud; it is '
               'not changed in any. Either a Nova service of this cloud '
               'made its block device mapping without mixmatch (enable it in '
               'the nova.conf of each), or a service provider uses an id '
               'that is not its own')
    code = 400
