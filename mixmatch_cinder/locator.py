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

"""Where a volume lives that home does not have."""

import functools
from typing import Any

from cinderclient import api_versions
from cinderclient import exceptions as cinder_exceptions
from oslo_log import log as logging

from mixmatch import exceptions
from mixmatch import federation

LOG = logging.getLogger(__name__)


class ClaimedTwice(exceptions.MixmatchException):
    """Two service providers say that a volume is theirs.

    Each is asked for the id, so each could claim it.
    """

    msg_fmt = ('Volume %(volume_id)s is claimed by more than one service '
               'provider: %(claimed_by)s. Name the right one.')
    code = 409


class Locator:
    """Asks service providers for a volume.

    :param clouds: the service providers of this process
    """

    def __init__(self, clouds: federation.Federation) -> None:
        self._clouds = clouds

    def find(self, context: Any, names: list[str], volume_id: str,
             microversion: str, token_info: dict[str, Any] | None = None
             ) -> tuple[str, dict[str, Any]] | None:
        """Ask service providers, all at the same time.

        :param context: of the user's request at home
        :param names: the service providers to ask
        :param volume_id: the id of the volume
        :param microversion: in which version of the API to answer; an older
            Cinder answers in its newest
        :param token_info: the body of the user's token, where it is known
        :returns: the service provider and its body of the volume; None if
            all say that there is no such volume for this user
        :raises ServiceProviderUnavailable: one that could have it does not
            answer; "not found" would be a lie
        :raises ClaimedTwice: several say that they have it
        """
        answers = self._clouds.ask(names, functools.partial(
            self._ask, context, token_info, volume_id, microversion))
        found = [name for name, volume in answers.answered.items() if volume]
        if len(found) > 1:
            raise ClaimedTwice(volume_id=volume_id,
                               claimed_by=', '.join(sorted(found)))
        if found:
            return found[0], answers.answered[found[0]]
        for name, exc in answers.missing.items():
            LOG.info('Volume %(volume)s may be at %(sp)s: %(reason)s',
                     {'volume': volume_id, 'sp': name, 'reason': exc})
        if answers.missing:
            raise next(iter(answers.missing.values()))
        return None

    def _ask(self, context: Any, token_info: dict[str, Any] | None,
             volume_id: str, microversion: str,
             name: str) -> dict[str, Any] | None:
        there = self._clouds.service_provider(name)
        try:
            user = self._clouds.user_login(name, context.auth_token,
                                           context.project_id, token_info)
        except (exceptions.Refused,
                exceptions.UnknownServiceProvider) as exc:
            LOG.debug('Not asked for volume %(volume)s: %(reason)s',
                      {'volume': volume_id, 'reason': exc})
            return None
        wanted = min(api_versions.APIVersion(microversion),
                     api_versions.APIVersion(there.highest_microversion(user)))
        client = there.volume_client(
            user, wanted.get_string(),
            global_request_id=context.global_request_id or context.request_id)
        try:
            _response, body = client.client.get(f'/volumes/{volume_id}')
        except cinder_exceptions.NotFound:
            return None
        except cinder_exceptions.ClientException as exc:
            raise exceptions.ServiceProviderUnavailable(
                service_provider=name,
                reason=f'its Cinder answered HTTP {exc.code}') from exc
        return self._checked(name, volume_id, body)

    @staticmethod
    def _checked(name: str, volume_id: str, body: Any) -> dict[str, Any]:
        volume = body.get('volume') if isinstance(body, dict) else None
        if not isinstance(volume, dict) or volume.get('id') != volume_id:
            raise exceptions.ServiceProviderUnavailable(
                service_provider=name,
                reason='its Cinder answered with something else than volume '
                       f'{volume_id}')
        return volume
