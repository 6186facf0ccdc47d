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

"""The work that follows a request to another cloud whose result is in doubt.

It runs in home's Nova: in the process that made the request, in nova-conductor
when that has ended, in nova-compute after it was killed, and in the command
``mixmatch-nova``. It imports the core, ``mixmatch``, and ``auth``,
``block_device`` and ``target`` of ``mixmatch_nova``; nothing of ``patches``.
"""
