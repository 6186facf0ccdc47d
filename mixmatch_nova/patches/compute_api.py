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


"""Patches of ``nova.compute.api``: what went wrong in another process.

Since 2026.1 it is nova-conductor that makes an attachment. What it could not
ask of a service provider reaches nova-api as an error without that name.
"""

from collections.abc import Callable
from typing import Any

from nova import exception
import oslo_messaging

from mixmatch import exceptions
from mixmatch_nova import patch
from mixmatch_nova import target

ATTACH = patch.Symbol('nova.compute.api', 'API.attach_volume',
                      ('self', 'context', 'instance', 'volume_id'))


def _attach_volume(original: Callable, self: Any, context: Any,
                   instance: Any, volume_id: str, *args: Any,
                   **kwargs: Any) -> Any:
    try:
        return original(self, context, instance, volume_id, *args, **kwargs)
    except (exception.CinderConnectionFailed, oslo_messaging.RemoteError):
        targets = target.of(context)
        where = targets.foreign(volume_id)
        if where and targets.failure is None:
            # NOTE: not what the error says, which holds a traceback.
            targets.failure = exceptions.ServiceProviderUnavailable(
                service_provider=where.service_provider,
                reason='no answer while the volume was being attached')
        raise


def patches() -> list[patch.Patch]:
    return [patch.Patch(ATTACH, _attach_volume)]
