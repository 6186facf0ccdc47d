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

"""Availability zones of service providers, as users of home name them.

``bu`` is the default zone of the service provider ``bu``, and ``bu:ZONE`` any
of its zones. What a user sends is what is shown later, so that a client that
compares the two finds no difference. A zone of home keeps its name: where
home has a zone ``bu``, each zone of the service provider is ``bu:ZONE``.
"""

from collections.abc import Iterable
import functools
from typing import Any

import webob

from mixmatch import api
from mixmatch.conf import service_provider as options
from mixmatch import federation
from mixmatch import selection as selections
from mixmatch_cinder.home import database

#: Filter of a list.
_ZONE = 'availability_zone'


class Zones:
    """Names of availability zones in one request.

    :param clouds: the service providers of this process
    :param context: of the request
    """

    def __init__(self, clouds: federation.Federation, context: Any) -> None:
        self._clouds = clouds
        self._context = context

    @functools.cached_property
    def _of_home(self) -> set[str]:
        return database.availability_zones(self._context)

    def default(self, name: str) -> str:
        """Return the zone of a service provider that its own name means."""
        return self._clouds.service_provider(name).options.availability_zone

    def show(self, name: str, zone: str) -> str:
        """Return the name at home of a zone.

        :param name: of the service provider
        :param zone: its name there
        """
        if zone == self.default(name) and name not in self._of_home:
            return name
        return f'{name}:{zone}'

    def find(self, zone: str) -> tuple[str, str] | None:
        """Return the service provider and its zone that a name stands for.

        :returns: the zone is empty if none is named; None for a zone of home
        """
        name, _, there = zone.partition(':')
        if name not in self._clouds.names or zone in self._of_home:
            return None
        return name, there

    def narrow(self, selection: selections.Selection, http: webob.Request
               ) -> selections.Selection:
        """Return what is selected of a list of one availability zone.

        The zone in the query becomes what it is called where it is.
        """
        zone = http.GET.get(_ZONE)
        if not zone or selection.only:
            return selection
        found = self.find(zone)
        if found is None or found[0] not in selection.names:
            return selections.Selection(api.NONE, [])
        name, there = found
        http.GET[_ZONE] = there or self.default(name)
        return selections.Selection(name, [name])

    def for_new(self, name: str, zone: str) -> str:
        """Return the zone to ask a service provider for.

        :param zone: its name there; empty if the user has named none
        :returns: empty if the service provider chooses its default
        """
        default = self.default(name)
        return zone or ('' if default == options.DEFAULT_ZONE else default)

    def add_to(self, body: dict[str, Any], names: Iterable[str]
               ) -> dict[str, Any]:
        """Return home's list of zones with those of service providers.

        :param names: of the service providers
        """
        rows = body['availabilityZoneInfo']
        return {**body, 'availabilityZoneInfo': [*rows, *(
            {'zoneName': name, 'zoneState': {'available': True}}
            for name in names if name not in self._of_home)]}
