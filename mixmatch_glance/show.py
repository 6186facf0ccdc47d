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

"""Images of service providers as home's Glance shows them."""

from typing import Any

import glance.api.policy
from glance.common import property_utils
import glance.context

from mixmatch import api
from mixmatch_glance import foreign_image
from mixmatch_glance import user_request


class View:
    """Shows images of service providers to users of home.

    :param roles: of the users that may set what is shown
    """

    def __init__(self, roles: list[str]) -> None:
        self._roles = [role.lower() for role in roles]
        self._rules = None
        if property_utils.is_property_protection_enabled():
            self._rules = property_utils.PropertyRules(
                glance.api.policy.Enforcer())

    def show(self, request: user_request.Request, name: str,
             image: foreign_image.ForeignImage) -> dict[str, Any]:
        """Return an image, marked with the name of its service provider.

        :param name: of the service provider
        """
        path = f'/v2/images/{image.id}'
        extra = {key: value for key, value in image.extra.items()
                 if self.is_allowed(request.context, key)}
        return {**extra, **image.base, 'id': image.id,
                'owner': self._owner(request, image),
                'self': path, 'file': f'{path}/file',
                'schema': '/v2/schemas/image', api.ATTRIBUTE: name,
                # NOTE: Nova keeps both with each server of the image, for
                # work without the user.
                api.PROJECT_ATTRIBUTE: image.project_id}

    @staticmethod
    def _owner(request: user_request.Request,
               image: foreign_image.ForeignImage) -> str | None:
        owner = image.base['owner']
        if owner == image.project_id:
            return request.project_id
        return None if owner == request.project_id else owner

    def is_allowed(self, context: Any, key: str) -> bool:
        """Return whether a user sees a property on images of other clouds."""
        if self._rules is None:
            return True
        # NOTE: Glance adds the roles of a service token to the list of roles
        # that it is given, so each question gets a list of its own.
        return all(self._rules.check_property_rules(
            key, action, glance.context.RequestContext(
                roles=list(roles), user_id=context.user_id,
                project_id=context.project_id, overwrite=False,
                policy_enforcer=context.policy_enforcer))
            for action, roles in (('create', self._roles),
                                  ('read', context.roles)))
