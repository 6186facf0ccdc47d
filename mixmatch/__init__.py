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

"""Core of mixmatch: how home's services reach service providers.

Runs in nova-api, nova-conductor, nova-compute and cinder-api of home;
``patch`` also in the cinder-api of a service provider. Imports no
service, no client of one, and none of the packages mixmatch_*.
"""
