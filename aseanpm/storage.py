"""Where files lie: those that the site is made of, and those that people bring."""

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.urls import reverse
from django.utils.functional import cached_property
from whitenoise.storage import CompressedManifestStaticFilesStorage


class Uploads(FileSystemStorage):
    """What people upload, in the data folder: given out by a view alone."""

    file_permissions_mode = 0o640

    @cached_property
    def base_location(self):
        return settings.DATA_DIR / "uploads"

    @cached_property
    def location(self):
        return str(self.base_location)

    def url(self, name):
        """The view that asks who may have it."""
        return reverse("document", args=[name.rpartition("/")[2]])


class CollectedStorage(CompressedManifestStaticFilesStorage):
    """Collected static files, named by content and compressed.

    The API documentation's bundles stay uncompressed: brotli takes a minute and
    a half over them, and hardly anyone loads them.
    """

    def compress_files(self, paths):
        return super().compress_files(
            path for path in paths if not path.startswith("drf_spectacular_sidecar/")
        )
