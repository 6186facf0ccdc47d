# NOTE: Nova up to 2025.2 patches its process with eventlet as soon as its API
# is imported. Do so before anything else, as nova-api does.
import nova.api.openstack  # noqa: F401
