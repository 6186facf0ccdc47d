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

"""As whom Nova speaks to a service provider."""

import copy
from typing import Any

from keystoneauth1 import plugin
from oslo_log import log as logging

from mixmatch import exceptions
from mixmatch import federation
from mixmatch_nova import target

LOG = logging.getLogger(__name__)

_ROUTE = 'mixmatch_route'

#: Of the volume API, for requests of Nova's own.
MICROVERSION = '3.44'


def routed(context: Any, where: target.Target) -> Any:
    """A copy of a context whose volume calls go to a service provider."""
    context = copy.copy(context)
    setattr(context, _ROUTE, where)
    return context


def route_of(context: Any) -> target.Target | None:
    """Where the volume calls of a context go; None for home."""
    return getattr(context, _ROUTE, None)


def enter(clouds: federation.Federation, context: Any,
          service_provider: str) -> target.Target:
    """Log in the user and Nova itself, before anything else is done.

    :param context: of a user's request
    :returns: the target, with the user's project at the service provider
    :raises mixmatch.exceptions.MixmatchException: one of them cannot log in
    """
    user, _service = clouds.user_and_service_login(
        service_provider, context.auth_token, context.project_id)
    return target.Target(service_provider, user.get_project_id(None))


def auth_for(clouds: federation.Federation, context: Any,
             where: target.Target) -> plugin.BaseAuthPlugin:
    """The user, if the volume is in the user's project there; else Nova.

    An administrator who deletes or moves a server, a periodic task and a
    restart of nova-compute have no token that leads to the project of the
    server's owner. Nova's own user has a role there that allows what an
    attachment needs, and no more.

    :raises mixmatch.exceptions.MixmatchException: neither can log in
    """
    auth: plugin.BaseAuthPlugin | None = None
    if context.auth_token:
        auth = _user(clouds, context, where)
    if auth is None:
        if where.project_id is None:
            raise exceptions.InvalidTarget(
                reason=f'nobody has told the project at '
                       f'{where.service_provider}')
        auth = clouds.service_login(where.service_provider, where.project_id)
    return clouds.with_service_token(where.service_provider, auth)


def _user(clouds: federation.Federation, context: Any,
          where: target.Target) -> plugin.BaseAuthPlugin | None:
    try:
        user = clouds.user_login(where.service_provider, context.auth_token,
                                 context.project_id)
    except (exceptions.Refused,
            exceptions.UnknownServiceProvider) as exc:
        if where.project_id is None:
            raise
        LOG.info('Nova acts itself in project %(project)s of %(sp)s: '
                 '%(reason)s', {'project': where.project_id,
                                'sp': where.service_provider, 'reason': exc})
        return None
    if where.project_id in (None, user.get_project_id(None)):
        return user
    return None


def client_for(clouds: federation.Federation, where: target.Target,
              request_id: str | None = None) -> Any:
    """The ``cinderclient`` of Nova itself in a project of another cloud.

    :param request_id: of home, for the log there
    :raises mixmatch.exceptions.MixmatchException: Nova cannot log in
    """
    name = where.service_provider
    return clouds.service_provider(name).volume_client(
        clouds.with_service_token(
            name, clouds.service_login(name, where.project_id)),
        MICROVERSION, request_id)
