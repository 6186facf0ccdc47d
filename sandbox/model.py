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

"""Clouds, processes and tasks as data."""

import collections.abc
import dataclasses
import pathlib
import uuid

from sandbox import health


@dataclasses.dataclass(frozen=True)
class User:
    """A person of a cloud, with the projects he is a member of."""

    name: str
    projects: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Mapped:
    """A user of another cloud who may enter with one home project."""

    user: str
    home_project: str
    project: str


@dataclasses.dataclass(frozen=True)
class Trust:
    """Grant of a landlord to the users and the services of another cloud.

    :param role: of its Nova
    :param image_role: of its Glance
    """

    idp: str
    service_project: str
    role: str
    image_role: str
    users: tuple[Mapped, ...]


@dataclasses.dataclass(frozen=True)
class Host:
    """A hypervisor, and the nova-compute of it.

    ``suffix`` is what the names of its processes end with.
    """

    cloud: str
    suffix: str

    @property
    def name(self) -> str:
        """Return the name that Nova gives it."""
        return self.cloud + self.suffix


@dataclasses.dataclass(frozen=True)
class Cloud:
    """A cloud as data; ports are counted from ``base``."""

    name: str
    base: int
    components: tuple[str, ...]
    projects: tuple[str, ...] = ()
    users: tuple[User, ...] = ()
    service_users: tuple[str, ...] = ()
    default_user: str = 'admin'
    service_providers: tuple[str, ...] = ()
    trusts: tuple[Trust, ...] = ()
    computes: int = 0

    @property
    def hosts(self) -> 'tuple[Host, ...]':
        """Return the hosts of its servers; at first, only one is enabled."""
        return tuple(Host(self.name, '' if number == 1 else f'-{number}')
                     for number in range(1, self.computes + 1))

    @property
    def home(self) -> bool:
        """Return whether its Nova uses volumes of other clouds."""
        return bool(self.service_providers)

    @property
    def secret_uuid(self) -> str:
        """The libvirt secret that holds the key of its Ceph."""
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, f'{self.name}.ceph'))

    def password(self, user: str) -> str:
        """Passwords can be guessed: this is a sandbox on loopback."""
        return f'{self.name}-{user}'

    def project_of(self, user: str) -> str:
        """The project that a user works in unless told otherwise."""
        for known in self.users:
            if known.name == user:
                return known.projects[0]
        return 'service' if user in self.service_users else 'admin'


@dataclasses.dataclass(frozen=True)
class Service:
    """A process that stays.

    ``leftovers`` are files of a killed one that keep the next from starting.
    ``attempts`` is how often one is started that may hang while it starts;
    each has ``timeout`` seconds.
    """

    cloud: str
    name: str
    command: tuple[str, ...]
    health: health.Check
    env: collections.abc.Mapping[str, str] = dataclasses.field(
        default_factory=dict)
    ports: tuple[int, ...] = ()
    after: tuple[str, ...] = ()
    config: pathlib.Path | None = None
    guests: pathlib.Path | None = None
    leftovers: tuple[pathlib.Path, ...] = ()
    timeout: float = 300
    attempts: int = 1

    @property
    def id(self) -> str:
        """The name by which others wait for it."""
        return f'{self.cloud}/{self.name}'


@dataclasses.dataclass(frozen=True)
class Task:
    """Something that is done once, after others, and then remembered.

    ``stamp`` tells whether what was done before is still what is wanted.
    """

    cloud: str
    name: str
    run: collections.abc.Callable[[], None]
    after: tuple[str, ...] = ()
    stamp: str = ''

    @property
    def id(self) -> str:
        """The name by which others wait for it."""
        return f'{self.cloud}/{self.name}'


Node = Service | Task
