from whitenoise.storage import CompressedManifestStaticFilesStorage


class CollectedStorage(CompressedManifestStaticFilesStorage):
    """Collected static files, named by content and compressed.

    The API documentation's bundles stay uncompressed: brotli takes a minute and
    a half over them, and hardly anyone loads them.
    """

    def compress_files(self, paths):
        return super().compress_files(
            path for path in paths if not path.startswith("drf_spectacular_sidecar/")
        )
