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

"""Services of this cloud, the Nova of other clouds, and users."""

import copy
from typing import Any

from oslo_config import cfg


class Requesters:
    """Tells services of this cloud, other clouds and users apart.

    :param conf: Cinder's configuration
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        self._roles = frozenset(conf.mixmatch.home_roles)

    def home_domain(self, context: Any) -> str | None:
        """Return the domain of the other cloud whose Nova sent the request.

        :returns: None for other requesters, or if the service token has no
            domain
        """
        if self._has_home_role(context):
            return context.service_user_domain_id
        return None

    def is_own_service(self, context: Any) -> bool:
        """Return True if a service of this cloud sent the request."""
        services = self._conf.keystone_authtoken.service_token_roles
        return (not self._has_home_role(context)
                and not set(services).isdisjoint(context.service_roles or ()))

    def _has_home_role(self, context: Any) -> bool:
        return not self._roles.isdisjoint(context.service_roles or ())

    def without_unproven_roles(self, context: Any) -> Any:
        """Return the context for policy checks.

        Policy grants the Nova of another cloud what its role allows without a
        user. The role belongs to the *user* of that Nova, while the request
        is attributed to that Nova by its service token. So the role counts
        only beside a service token of the same domain: a requester without
        one is a user like any other.
        """
        if self._roles.isdisjoint(context.roles or ()):
            return context
        home_id = self.home_domain(context)
        if home_id is not None and home_id == context.user_domain_id:
            return context
        reduced = copy.copy(context)
        reduced.roles = [each for each in context.roles
                         if each not in self._roles]
        return reduced

    def as_user(self, context: Any) -> Any:
        """Return the context without the service roles of another cloud.

        Cinder treats each service token as one of its own cloud.
        """
        if not self._has_home_role(context):
            return context
        reduced = copy.copy(context)
        reduced.service_roles = []
        return reduced
