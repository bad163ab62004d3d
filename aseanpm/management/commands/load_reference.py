from django.core.management.base import BaseCommand, CommandError

from aseanpm.loading import UnreadableReference, load_reference


class Command(BaseCommand):
    help = "Load the shipped reference data; what users changed since stays."

    def handle(self, **options):
        try:
            report = load_reference()
        except UnreadableReference as error:
            raise CommandError(error) from error
        self.stdout.write(f"Reference data: {report}.")
