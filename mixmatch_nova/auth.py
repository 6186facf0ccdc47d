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

"""Authentication of Nova at a service provider."""

import copy
from typing import Any

from keystoneauth1 import plugin
from oslo_log import log as logging

from mixmatch import exceptions
from mixmatch import federation
from mixmatch import requester
from mixmatch_nova import target
from mixmatch_nova import volume_client

LOG = logging.getLogger(__name__)

_ROUTE = 'mixmatch_route'
_IF_KNOWN = 'mixmatch_if_known'

#: Of the volume API, for requests of Nova's own.
MICROVERSION = '3.44'


def routed(context: Any, remote: target.Target | None) -> Any:
    """A copy of a context whose volume calls go to a service provider."""
    context = copy.copy(context)
    setattr(context, _ROUTE, remote)
    return context


def get_route(context: Any) -> target.Target | None:
    """Return the target of the volume calls of a context; None for home."""
    return getattr(context, _ROUTE, None)


def asking_home(context: Any) -> Any:
    """A copy of a context by which home says if it knows an id."""
    context = routed(context, None)
    setattr(context, _IF_KNOWN, True)
    return context


def asks_home(context: Any) -> bool:
    """Return whether a context is one of :func:`asking_home`."""
    return getattr(context, _IF_KNOWN, False)


def enter(clouds: federation.Federation, context: Any,
          service_provider: str) -> target.Target:
    """Log in the user and Nova itself, before anything else is done.

    :param context: of a user's request
    :returns: the target, with the user's project at the service provider
    :raises mixmatch.exceptions.MixmatchException: one of them cannot log in
    """
    user, _service = clouds.user_and_service_login(
        service_provider, requester.Requester.from_context(context))
    return target.Target(service_provider, user.get_project_id(None))


def get_auth(clouds: federation.Federation, context: Any,
             remote: target.Target) -> plugin.BaseAuthPlugin:
    """Return the user's auth, or Nova's if the volume is in another project.

    An administrator who deletes or moves a server, a periodic task and a
    restart of nova-compute have no token that leads to the project of the
    server's owner. Nova's own user has a role there that allows what an
    attachment needs, and no more.

    :raises mixmatch.exceptions.MixmatchException: neither can log in
    """
    auth: plugin.BaseAuthPlugin | None = None
    if context.auth_token:
        auth = _user(clouds, context, remote)
    if auth is None:
        if remote.project_id is None:
            raise exceptions.InvalidTarget(
                reason='the project at service provider '
                       f'{remote.service_provider} is not known')
        auth = clouds.service_login(remote.service_provider, remote.project_id)
    return clouds.with_service_token(remote.service_provider, auth)


def _user(clouds: federation.Federation, context: Any,
          remote: target.Target) -> plugin.BaseAuthPlugin | None:
    try:
        user = clouds.user_login(remote.service_provider,
                                 requester.Requester.from_context(context))
    except (exceptions.Refused,
            exceptions.UnknownServiceProvider) as exc:
        if remote.project_id is None:
            raise
        LOG.info('Nova acts itself in project %(project)s of %(sp)s: '
                 '%(reason)s', {'project': remote.project_id,
                                'sp': remote.service_provider, 'reason': exc})
        return None
    if remote.project_id in (None, user.get_project_id(None)):
        return user
    return None


def client_for(clouds: federation.Federation, remote: target.Target,
               request_id: str | None = None) -> Any:
    """Make the ``cinderclient`` of Nova itself in a project of another cloud.

    :param request_id: of home, for the log there
    :raises mixmatch.exceptions.MixmatchException: Nova cannot log in
    """
    name = remote.service_provider
    return volume_client.make(
        clouds.service_provider(name), clouds.with_service_token(
            name, clouds.service_login(name, remote.project_id)),
        MICROVERSION, request_id)
