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

"""Query of the database of home's Glance."""

from collections.abc import Collection

from glance.db.sqlalchemy import api as db
from glance.db.sqlalchemy import models
import sqlalchemy


def ever_had(ids: Collection[str]) -> set[str]:
    """Return the ids that home has, or had, in any project.

    No such id is sent to a service provider, and none is accepted from one.
    Glance keeps the rows of deleted images until an operator purges them.

    :param ids: in canonical form
    """
    if not ids:
        return set()
    query = sqlalchemy.select(models.Image.id).where(
        models.Image.id.in_(list(ids)))
    with db.get_engine().connect() as connection:
        # NOTE: Glance keeps an id as its user has written it.
        return {each.lower() for each in connection.execute(query).scalars()}
