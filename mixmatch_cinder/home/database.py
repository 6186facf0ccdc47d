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

"""Queries of the database of home's Cinder."""

from collections.abc import Iterable
from typing import Any

from cinder import objects

from mixmatch_cinder.home import routes

try:
    from cinder.db.sqlalchemy import api as db
    from cinder.db.sqlalchemy import models
except ImportError:  # since 2026.2
    from cinder.db import api as db
    from cinder.db import models

_MODELS = {routes.VOLUMES: models.Volume, routes.SNAPSHOTS: models.Snapshot,
           routes.ATTACHMENTS: models.VolumeAttachment}


def ever_had(context: Any, kind: routes.Kind, ids: Iterable[str]) -> set[str]:
    """Return the ids that home has, or had, in any project.

    No such id is sent to a service provider, and none is accepted from one.

    :param context: of the request
    :param ids: in canonical form
    """
    wanted = list(ids)
    if not wanted:
        return set()
    model = _MODELS[kind]
    with db.main_context_manager.reader.using(context) as session:
        return {row.id for row in session.query(model.id).filter(
            model.id.in_(wanted))}


def availability_zones(context: Any) -> set[str]:
    """Return the names of the availability zones of home."""
    return {service.availability_zone for service in
            objects.ServiceList.get_all_by_topic(context.elevated(),
                                                 'cinder-volume')}
