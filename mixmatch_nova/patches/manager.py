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

"""nova.manager.Manager: the periodic work of mixmatch is done with Nova's."""

from collections.abc import Callable
import functools
from typing import Any

from mixmatch import patch
from mixmatch_nova.reconcile import periodic

PERIODIC_TASKS = patch.Symbol('nova.manager', 'Manager.periodic_tasks',
                              ('self', 'context', 'raise_on_error'))


def _periodic_tasks(task: periodic.PeriodicTask, original: Callable,
                    manager: Any, context: Any, *args: Any,
                    **kwargs: Any) -> Any:
    idle = original(manager, context, *args, **kwargs)
    task.run_if_due(context, manager)
    return idle


def patches(task: periodic.PeriodicTask) -> list[patch.Patch]:
    return [patch.Patch(PERIODIC_TASKS,
                        functools.partial(_periodic_tasks, task))]
