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
import weakref

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
        self._of_users: weakref.WeakKeyDictionary[Any, _Rules] = (
            weakref.WeakKeyDictionary())
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
        return self._rules is None or self._asked(context).allowed(key)

    def _asked(self, context: Any) -> '_Rules':
        """Return the rules for a user, made once for each request."""
        found = self._of_users.get(context)
        if found is None:
            found = self._of_users[context] = _Rules(
                self._rules, {'create': _asker(context, self._roles),
                              'read': _asker(context, context.roles)})
        return found


class _Rules:
    """Answers of home's property protections to one user.

    :param rules: Glance's
    :param askers: by what is done, Glance's context of somebody who does it
    """

    def __init__(self, rules: Any, askers: dict[str, Any]) -> None:
        self._rules = rules
        self._askers = askers
        self._known: dict[str, bool] = {}

    def allowed(self, key: str) -> bool:
        """Return whether all that is done with a property is allowed."""
        if key not in self._known:
            self._known[key] = all(
                self._rules.check_property_rules(key, action, asker)
                for action, asker in self._askers.items())
        return self._known[key]


def _asker(context: Any, roles: list[str]) -> Any:
    """Return a user with other roles.

    Without roles of a service token, which Glance would add to these.
    """
    return glance.context.RequestContext(
        roles=list(roles), user_id=context.user_id,
        project_id=context.project_id, overwrite=False,
        policy_enforcer=context.policy_enforcer)
