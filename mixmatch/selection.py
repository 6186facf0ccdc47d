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

"""Clouds that a request selects."""

import dataclasses

import webob

from mixmatch import api
from mixmatch import federation
from mixmatch import user_request


@dataclasses.dataclass(frozen=True)
class Selection:
    """Clouds of a request.

    :param choice: the name of a service provider, ``all``, ``none``, or an
        empty string for the configured default
    :param names: the service providers
    """

    choice: str
    names: list[str]

    @property
    def only(self) -> str:
        """The one service provider; empty if home is selected as well."""
        return '' if self.choice in ('', api.ALL, api.NONE) else self.choice

    @classmethod
    def from_request(cls, request: user_request.UserRequest,
                     clouds: federation.Federation) -> 'Selection':
        """Take the choice out of the query, which the service does not know.

        :raises UnknownServiceProvider: the user may not use it
        """
        choice = _take_choice(request.http)
        if choice == api.NONE:
            return cls(choice, [])
        if choice in ('', api.ALL):
            offered = request.requester.service_providers
            return cls(choice, [name for name in clouds.names
                                if name in offered])
        clouds.check(choice, request.requester)
        return cls(choice, [choice])


def _take_choice(http: webob.Request) -> str:
    choice = http.headers.get(api.HEADER, '')
    if api.ATTRIBUTE in http.GET:
        choice = http.GET[api.ATTRIBUTE]
        del http.GET[api.ATTRIBUTE]
    return choice.strip()
