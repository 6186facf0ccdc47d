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

"""Databases of SQLite with all tables of a service, in no time.

The tables of a service are made once in a process; each test gets a copy.
"""

import contextlib
import functools
import sqlite3

from oslo_db.sqlalchemy import enginefacade
import sqlalchemy
from sqlalchemy import pool


def in_memory():
    """Return a transaction context of an empty database in memory."""
    context = enginefacade.transaction_context()
    context.configure(connection='sqlite://')
    return context


@functools.cache
def _template(metadata):
    """A database with the tables; nobody writes to it."""
    connection = sqlite3.connect(':memory:', check_same_thread=False)
    engine = sqlalchemy.create_engine(
        'sqlite://', creator=lambda: connection, poolclass=pool.StaticPool)
    # NOTE: the one of the object may be replaced by what is below.
    sqlalchemy.MetaData.create_all(metadata, engine)
    return connection


def create_all(metadata, engine):
    """Make all tables in an empty database, in memory or in a file."""
    with contextlib.closing(engine.raw_connection()) as connection:
        _template(metadata).backup(connection.driver_connection)
